/** One argument of a tool, as a form asks for it. */
export interface Field {
  readonly name: string;
  readonly kind: 'text' | 'number' | 'flag' | 'choice' | 'json';
  readonly isRequired: boolean;
  readonly description: string;
  /** Of a choice. */
  readonly choices: readonly string[];
}

/** The fields for a tool's input schema; what is not simple is asked for as JSON. */
export function fieldsOf(inputSchema: unknown): readonly Field[] {
  if (!isRecord(inputSchema) || !isRecord(inputSchema['properties'])) return [];
  const required: readonly unknown[] = Array.isArray(inputSchema['required']) ? inputSchema['required'] : [];
  return Object.entries(inputSchema['properties']).map(([name, schema]) => {
    const { type, enum: values, description } = isRecord(schema) ? schema : {};
    const choices = Array.isArray(values) && values.every((value) => typeof value === 'string') ? values : [];
    return {
      name,
      kind: choices.length > 0 ? 'choice' : kindOf(type),
      isRequired: required.includes(name),
      description: typeof description === 'string' ? description : '',
      choices,
    };
  });
}

/** The arguments that the texts of the fields stand for; an empty one is left out unless it is required. Throws an Error with what is wrong. */
export function argumentsOf(fields: readonly Field[], textOf: (field: Field) => string): Record<string, unknown> {
  const args = new Map<string, unknown>();
  for (const field of fields) {
    const text = textOf(field);
    if (text === '' && !(field.isRequired && field.kind === 'text')) {
      if (field.isRequired) throw new Error(`${field.name} is required.`);
      continue;
    }
    args.set(field.name, valueOf(field, text));
  }
  return Object.fromEntries(args);
}

function valueOf({ name, kind }: Field, text: string): unknown {
  switch (kind) {
    case 'text':
    case 'choice':
      return text;
    case 'flag':
      return text === 'true';
    case 'number': {
      const value = Number(text);
      if (Number.isNaN(value)) throw new Error(`${name} must be a number.`);
      return value;
    }
    case 'json':
      try {
        return JSON.parse(text);
      } catch {
        throw new Error(`${name} must be JSON.`);
      }
  }
}

function kindOf(type: unknown): Field['kind'] {
  if (type === 'string') return 'text';
  if (type === 'number' || type === 'integer') return 'number';
  return type === 'boolean' ? 'flag' : 'json';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
