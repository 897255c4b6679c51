import type { ServerFacts } from '../link/link.ts';
import type { SessionFact } from './manager-events.ts';

/** What a server says of itself, as far as it matters to those who use it. */
export type ServerIdentity = Pick<ServerFacts, 'era' | 'protocolVersion' | 'info' | 'capabilities'>;

/** What is to be told when a server came back as another one: with another version, protocol or capabilities. */
export function serverChange(before: ServerFacts | null, after: ServerFacts | null): SessionFact | undefined {
  if (before === null || after === null || before === after) return undefined;
  const was = identityOf(before);
  const is = identityOf(after);
  return JSON.stringify(was) === JSON.stringify(is) ? undefined : { type: 'serverChanged', before: was, after: is };
}

function identityOf({ era, protocolVersion, info, capabilities }: ServerFacts): ServerIdentity {
  return { era, protocolVersion, info, capabilities };
}
