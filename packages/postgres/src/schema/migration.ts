/** One step of the schema. A step that was released is never changed: a new one follows it. */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  readonly name: string;
  /** Its statements; `schema` is the quoted name of the schema. */
  sql(schema: string): string;
}
