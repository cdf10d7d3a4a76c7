import { useState } from 'preact/hooks';

/** A JSON Schema, as far as forms go. */
type Schema = Readonly<Record<string, unknown>>;

interface FormProps {
  /** Of the list of arguments; absent: JSON is typed. */
  readonly schema: Schema | undefined;
  readonly value: readonly unknown[];
  readonly onChange: (args: readonly unknown[] | undefined) => void;
}

/** A form for a list of arguments: a field for each that the schema knows, or JSON. Gives undefined while it is no list. */
export function ArgsForm({ schema, value, onChange }: FormProps) {
  const items = Array.isArray(schema?.['prefixItems']) ? (schema['prefixItems'] as readonly Schema[]) : [];
  const [raw, setRaw] = useState(items.length === 0);
  return (
    <div class="form">
      {raw ? (
        <JsonField
          label="Arguments, as a JSON list"
          value={value}
          onChange={(list) => onChange(Array.isArray(list) ? list : undefined)}
        />
      ) : (
        items.map((item, index) => (
          <Field
            key={index}
            label={titleOf(item) ?? `Argument ${index + 1}`}
            schema={item}
            value={value[index]}
            onChange={(one) => onChange(setAt(value, index, one))}
          />
        ))
      )}
      {items.length > 0 && (
        <label class="check">
          <input type="checkbox" checked={raw} onChange={() => setRaw(!raw)} /> as JSON
        </label>
      )}
    </div>
  );
}

function setAt(list: readonly unknown[], index: number, value: unknown): readonly unknown[] {
  const next = Array.from({ length: Math.max(list.length, index + 1) }, (_, at) => (at === index ? value : list[at]));
  while (next.length > 0 && next.at(-1) === undefined) next.pop();
  return next.map((one) => (one === undefined ? null : one));
}

interface FieldProps {
  readonly label: string;
  readonly schema: Schema;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

function titleOf({ title, description }: Schema): string | undefined {
  return [title, description].find((text): text is string => typeof text === 'string');
}

function Field({ label, schema, value, onChange }: FieldProps) {
  const { type, enum: choices } = schema;
  if (Array.isArray(choices)) return <Choice {...{ label, choices, value, onChange }} />;
  if (type === 'object' && typeof schema['properties'] === 'object')
    return <Fields {...{ label, schema, value, onChange }} />;
  if (type === 'boolean')
    return (
      <label class="check">
        <input type="checkbox" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />{' '}
        {label}
      </label>
    );
  if (type === 'number' || type === 'integer') return <NumberField {...{ label, schema, value, onChange }} />;
  if (type === 'string') return <TextField {...{ label, schema, value, onChange }} />;
  return <JsonField {...{ label: `${label} (JSON)`, value, onChange }} />;
}

function TextField({ label, schema, value, onChange }: FieldProps) {
  const text = typeof value === 'string' ? value : '';
  const take = (event: { readonly currentTarget: HTMLInputElement }) => onChange(event.currentTarget.value);
  return schema['writeOnly'] === true ? (
    <label>
      <span>{label}</span>
      <input type="password" autocomplete="new-password" value={text} onInput={take} />
    </label>
  ) : (
    <label>
      <span>{label}</span>
      <input type="text" autocomplete="off" value={text} onInput={take} />
    </label>
  );
}

function NumberField({ label, value, onChange }: FieldProps) {
  const [text, setText] = useState(value === undefined ? '' : String(value));
  return (
    <label>
      <span>{label}</span>
      <input
        type="text"
        inputMode="decimal"
        value={text}
        autocomplete="off"
        onInput={(event) => {
          const given = event.currentTarget.value;
          setText(given);
          const number = Number(given);
          onChange(given.trim() === '' ? undefined : Number.isNaN(number) ? given : number);
        }}
      />
    </label>
  );
}

function Choice({
  label,
  choices,
  value,
  onChange,
}: { label: string; choices: readonly unknown[] } & Omit<FieldProps, 'schema'>) {
  return (
    <label>
      <span>{label}</span>
      <select
        value={String(choices.indexOf(value))}
        onChange={(event) => onChange(choices[Number(event.currentTarget.value)])}
      >
        {choices.map((choice, index) => (
          <option key={String(choice)} value={String(index)}>
            {String(choice)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Fields({ label, schema, value, onChange }: FieldProps) {
  const properties = Object.entries(schema['properties'] as Readonly<Record<string, Schema>>);
  const needed = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const current = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  return (
    <fieldset>
      <legend>{label}</legend>
      {properties.map(([name, field]) => (
        <Field
          key={name}
          label={`${name}${needed.has(name) ? '' : ' (optional)'}`}
          schema={field}
          value={current[name]}
          onChange={(one) => {
            const { [name]: _old, ...rest } = current;
            onChange(one === undefined || (one === '' && !needed.has(name)) ? rest : { ...rest, [name]: one });
          }}
        />
      ))}
    </fieldset>
  );
}

function JsonField({ label, value, onChange }: Omit<FieldProps, 'schema'>) {
  const [text, setText] = useState(value === undefined ? '' : JSON.stringify(value, undefined, 2));
  const [bad, setBad] = useState(false);
  const take = (given: string) => {
    setText(given);
    try {
      onChange(given.trim() === '' ? undefined : JSON.parse(given));
      setBad(false);
    } catch {
      setBad(true);
      onChange(undefined);
    }
  };
  return (
    <label>
      <span>{label}</span>
      <textarea
        rows={Math.min(12, text.split('\n').length + 1)}
        spellcheck={false}
        value={text}
        aria-invalid={bad}
        onInput={(event) => take(event.currentTarget.value)}
      />
      {bad && <span class="hint bad">This is no JSON yet.</span>}
    </label>
  );
}
