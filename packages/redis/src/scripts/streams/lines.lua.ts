/**
 * Reads many values from one argument, each on a line of its own. A list of three values a task costs a worker 0.8 µs a task
 * as arguments of their own (ioredis measures and joins each), and Redis as much as to split it.
 */
export const readLines = `
local function lines(text, count, separator)
  local list, at = {}, 1
  for n = 1, count - 1 do
    local stop = string.find(text, separator, at, true)
    list[n] = string.sub(text, at, stop - 1)
    at = stop + #separator
  end
  list[count] = string.sub(text, at)
  return list
end
`;

/** Any texts, joined for {@link readLines} by a character that none of them holds. */
export function joinTexts(texts: readonly string[]): [joined: string, separator: string] {
  let separator = '\n';
  for (let code = 0; texts.some((text) => text.includes(separator)); code += 1) separator = String.fromCharCode(code);
  return [texts.join(separator), separator];
}
