import { expandBraces } from './expand-braces.ts';
import { expandVariables } from './expand-variables.ts';
import type { VariableScope } from './expand-variables.ts';
import { kindOf } from './document-value.ts';
import type { JsonValue, Place } from './document-value.ts';
import type { Report } from './report.ts';

/** Reads a string and expands its variables. Undefined when that was not possible, which is then reported. */
export function readText(value: JsonValue, what: string, scope: VariableScope, report: Report): string | undefined {
  if (value.type !== 'string') {
    report.problem(value, `${what} must be a string, but it is ${kindOf(value)}`, 'put it in double quotes');
    return undefined;
  }
  return expandText(value.text, value, what, scope, report);
}

/** Expands the variables of a text that stands at `place`. Undefined when that was not possible, which is then reported. */
export function expandText(
  text: string,
  place: Place,
  what: string,
  scope: VariableScope,
  report: Report,
): string | undefined {
  const expansion = scope.variables === 'braces' ? expandBraces(text, scope) : expandVariables(text, scope);
  if (!expansion.ok) {
    for (const fault of expansion.faults) report.problem(place, fault.problem, fault.fix);
    return undefined;
  }
  // A process cannot be given a NUL: spawn throws, and its message quotes the whole value.
  if (expansion.text.includes('\0')) {
    report.problem(place, `${what} holds a NUL character`, 'remove it');
    return undefined;
  }
  return expansion.text;
}

/** As `readText`, and text without anything but white space is a problem too. */
export function readFilledText(
  value: JsonValue,
  what: string,
  scope: VariableScope,
  report: Report,
): string | undefined {
  const text = readText(value, what, scope, report);
  if (text === undefined || text.trim() !== '') return text;
  report.problem(value, `${what} is empty`, 'write it out, or check the variables in it');
  return undefined;
}
