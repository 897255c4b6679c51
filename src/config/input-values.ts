import type { JsonMember } from './document-value.ts';
import { kindOf } from './document-value.ts';
import { quoted } from './printable.ts';
import { membersOf } from './report.ts';
import type { Report } from './report.ts';

/** The environment variable that gives `${input:id}` its value: `api-key` is `MCP_INPUT_API_KEY`. */
export function inputVariableName(id: string): string {
  return `MCP_INPUT_${id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

/** The defaults that the `inputs` of a VS Code file declare, by id. Inputs of type `command` are never run. */
export function readInputDefaults(inputs: JsonMember | undefined, report: Report): ReadonlyMap<string, string> {
  const defaults = new Map<string, string>();
  if (inputs === undefined) return defaults;
  if (inputs.value.type !== 'array') {
    report.problem(
      inputs.value,
      `"inputs" must be an array, but it is ${kindOf(inputs.value)}`,
      'write "inputs": [{ "id": "…", … }]',
    );
    return defaults;
  }
  const ids = new Set<string>();
  for (const item of inputs.value.items) {
    const members = item.type === 'object' ? membersOf(item, report) : undefined;
    const id = members?.get('id')?.value;
    const preset = members?.get('default')?.value;
    if (id?.type !== 'string') {
      report.problem(
        item,
        'an input must be an object with an "id" that is a string',
        'write { "id": "…", "type": "promptString" }',
      );
    } else if (ids.has(id.text)) {
      report.problem(id, `the input ${quoted(id.text)} is declared twice`, 'remove one of the two');
    } else {
      ids.add(id.text);
      if (preset?.type === 'string') defaults.set(id.text, preset.text);
      else if (preset !== undefined)
        report.problem(preset, `a default must be a string, but it is ${kindOf(preset)}`, 'put it in double quotes');
    }
  }
  return defaults;
}

/** The value of an input: as given, else from its environment variable, else its declared default. */
export function inputResolver(
  given: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>>,
  defaults: ReadonlyMap<string, string>,
): (id: string) => string | undefined {
  return (id) => {
    if (Object.hasOwn(given, id)) return given[id];
    const variable = inputVariableName(id);
    return (Object.hasOwn(env, variable) ? env[variable] : undefined) ?? defaults.get(id);
  };
}
