import type { JsonMember } from './document-value.ts';
import type { Report } from './report.ts';

/** Two numbers of one object of which the first must not be larger than the second. */
export interface OrderedPair<Name extends string> {
  readonly lesser: Name;
  readonly greater: Name;
  /** What counts where the file says nothing: the built-in defaults. */
  readonly otherwise: { readonly lesser: number; readonly greater: number };
}

type Numbers<Name extends string> = { readonly [N in Name]?: number };

/**
 * The numbers that were read, in an order that holds also with what they are laid over. If it does not hold, that is a problem and
 * both are left out; if one of the two was refused before, without a further problem.
 */
export function inOrder<Name extends string>(
  numbers: Numbers<Name>,
  pair: OrderedPair<Name>,
  members: ReadonlyMap<string, JsonMember>,
  inherited: Numbers<Name> | undefined,
  report: Report,
): Numbers<Name> {
  const { lesser, greater, otherwise } = pair;
  const least = numbers[lesser] ?? inherited?.[lesser] ?? otherwise.lesser;
  const most = numbers[greater] ?? inherited?.[greater] ?? otherwise.greater;
  if (least <= most) return numbers;
  const low = members.get(lesser);
  const high = members.get(greater);
  const wasRefused = [lesser, greater].some((name) => members.has(name) && numbers[name] === undefined);
  if (low !== undefined && !wasRefused) {
    const problem = `${lesser} must be at most ${greater} (${most}), but it is ${least}`;
    report.problem(low.value, problem, `write at most ${most}, or raise ${greater}`);
  } else if (high !== undefined && !wasRefused) {
    const problem = `${greater} must be at least ${lesser} (${least}), but it is ${most}`;
    report.problem(high.value, problem, `write at least ${least}, or lower ${lesser}`);
  }
  const others: { [N in Name]?: number } = { ...numbers };
  delete others[lesser];
  delete others[greater];
  return others;
}
