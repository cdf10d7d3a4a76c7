const longestMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The fields of a crontab line that say on which days it fires, as croner reads them. */
export interface DayFields {
  readonly dayOfMonth: string;
  readonly month: string;
  readonly dayOfWeek: string;
}

/** Whether there is a day in any year that fits all three. Any date falls on each day of the week in some year. */
export function canCome({ dayOfMonth, month, dayOfWeek }: DayFields): boolean {
  const weekdays = dayOfWeek.split(',');
  for (const number of valuesOf(month, 1, 12)) {
    for (const length of lengthsOf(number)) {
      const days = dayOfMonth.split(',').flatMap((part) => (part === 'L' ? [length] : valuesOf(part, 1, length)));
      if (days.some((day) => weekdays.some((weekday) => fits(weekday, day, length)))) return true;
    }
  }
  return false;
}

function lengthsOf(month: number): readonly number[] {
  return month === 2 ? [28, 29] : [longestMonth[month - 1] as number];
}

/** Whether the day of a month of this length can be such a weekday: `5#2` is the second Friday, `5#L` the last. */
function fits(weekday: string, day: number, length: number): boolean {
  const nth = weekday.split('#')[1];
  if (nth === undefined) return true;
  return nth === 'L' ? day > length - 7 : Math.ceil(day / 7) === Number(nth);
}

function valuesOf(field: string, min: number, max: number): readonly number[] {
  return field.split(',').flatMap((part) => {
    const [range = '*', step = '1'] = part.split('/');
    const [from, to] = range === '*' ? [min, max] : range.split('-').map(Number);
    const values: number[] = [];
    const last = Math.min(to ?? (from as number), max);
    for (let value = from as number; value <= last; value += Number(step)) values.push(value);
    return values;
  });
}
