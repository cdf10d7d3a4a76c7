import type { MinuteCounts } from '@lovage/core/inspect';
import { clock, count, plural, time } from '../format.ts';

const size = { width: 600, height: 100 };

/** Attempts by minute: what succeeded, with what failed on top. */
export function MinuteChart({ minutes, label }: { minutes: readonly MinuteCounts[]; label: string }) {
  const most = Math.max(1, ...minutes.map(totalOf));
  const wide = size.width / Math.max(1, minutes.length);
  const failed = minutes.reduce((sum, minute) => sum + minute.failed, 0);
  const all = minutes.reduce((sum, minute) => sum + totalOf(minute), 0);
  const [first] = minutes;
  return (
    <figure class="chart">
      <p>
        {plural(all, 'attempt')}, {failed > 0 ? <span class="bad">{count(failed)} failed</span> : 'none failed'}
        <span class="push" />
        at most {count(most)} a minute
      </p>
      <svg
        viewBox={`0 0 ${size.width} ${size.height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${plural(all, 'attempt')}, ${count(failed)} failed, at most ${count(most)} a minute`}
      >
        <line class="axis" x1="0" x2={size.width} y1={size.height} y2={size.height} />
        {minutes.map((minute, index) => (
          <Bar key={minute.at} minute={minute} scale={size.height / most} x={index * wide + 0.75} width={wide - 1.5} />
        ))}
      </svg>
      <p>
        {first ? clock(first.at).slice(0, 5) : ''}
        <span class="push" />
        now
      </p>
    </figure>
  );
}

function Bar({ minute, scale, x, width }: { minute: MinuteCounts; scale: number; x: number; width: number }) {
  const { at, succeeded, failed, retried, revoked, runP95 } = minute;
  const [good, other, bad] = [succeeded * scale, (retried + revoked) * scale, failed * scale];
  return (
    <g>
      <title>{`${clock(at)}: ${succeeded} succeeded, ${failed} failed, ${retried} retried; p95 ${time(runP95)}`}</title>
      <rect class="good" x={x} y={size.height - good} width={width} height={good} />
      <rect class="warn" x={x} y={size.height - good - other} width={width} height={other} />
      <rect class="bad" x={x} y={size.height - good - other - bad} width={width} height={bad} />
    </g>
  );
}

function totalOf({ succeeded, failed, retried, revoked }: MinuteCounts): number {
  return succeeded + failed + retried + revoked;
}

/** A line without axes: how many waited. */
export function Spark({ values, label }: { values: readonly number[]; label: string }) {
  const [width, height] = [90, 22];
  const most = Math.max(1, ...values);
  const points = values
    .map((value, index) => {
      const x = values.length < 2 ? width : (index / (values.length - 1)) * width;
      return `${x.toFixed(1)},${(height - 1 - (value / most) * (height - 2)).toFixed(1)}`;
    })
    .join(' ');
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}>
      <polyline points={points} />
    </svg>
  );
}
