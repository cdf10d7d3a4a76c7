import { Copy } from './basics.tsx';

/** A value as indented JSON; text of any kind is text. */
export function Json({ value, label }: { value: unknown; label: string }) {
  const text = value === undefined ? 'undefined' : JSON.stringify(value, undefined, 2);
  return (
    <div class="json">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard */}
      <pre tabIndex={0} data-label={label}>
        {text}
      </pre>
      <Copy text={text} />
    </div>
  );
}
