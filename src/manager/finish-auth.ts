import { AuthorizationError } from '../errors/request-errors.ts';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import type { AuthorizationProblem, AuthorizationResponse } from '../link/link.ts';
import { hiddenObject, optionalText } from './option-rules.ts';
import type { ManagerPorts } from './ports.ts';
import type { SessionRecord } from './session-record.ts';

/** Ends the authorisation of this server with what its person came back with. Rejects with `AuthorizationError` or `InvalidOptionError`. */
export async function finishAuth(
  { id, target, generation }: SessionRecord,
  params: URLSearchParams | AuthorizationResponse,
  { links }: Pick<ManagerPorts, 'links'>,
): Promise<void> {
  const response = responseOf(params, id);
  if (target.kind !== 'http' || target.auth === undefined) {
    throw new InvalidOptionError('target', target.kind, 'http with an OAuth provider in "auth", to be authorised', id);
  }
  const driver = links(target);
  const problem = driver.finishAuthorization
    ? await driver.finishAuthorization(target, response)
    : ({ kind: 'nothing-pending' } as const);
  if (problem === null) return;
  const { kind, cause }: AuthorizationProblem = problem;
  throw new AuthorizationError(`Server "${id}" was not authorised: ${reasons[kind]}.`, {
    serverId: id,
    generation,
    problem: kind,
    cause,
  });
}

/**
 * Has the sessions connect that wait for the tokens that this one has got: their provider is its own. One that is still letting go of the
 * connection on which its token was refused does so when it has parked. Resolves when all of them have been told.
 */
export async function resumeAuthorized(
  records: Iterable<SessionRecord>,
  authorized: SessionRecord,
  connect: (record: SessionRecord) => void,
): Promise<void> {
  const sharing = [...records].filter((record) => providerOf(record) === providerOf(authorized));
  await Promise.all(
    sharing.map(async (record) => {
      if (isEnding(record)) await ended(record);
      if (isParked(record)) connect(record);
    }),
  );
}

/** Resolves when the record's connection has been let go of, or has turned out to stand. */
function ended(record: SessionRecord): Promise<void> {
  return new Promise((resolve) => {
    const stop = record.onChange(() => {
      if (isEnding(record)) return;
      stop();
      resolve();
    });
  });
}

function isEnding({ view: { phase }, lease }: SessionRecord): boolean {
  return phase === 'releasing' || (phase.startsWith('connected.') && lease.link?.isOpen !== true);
}

const isParked = ({ view }: SessionRecord): boolean => view.phase === 'disconnected.parked.auth';

const providerOf = ({ target }: SessionRecord): unknown => (target.kind === 'http' ? target.auth : undefined);

const reasons: Readonly<Record<AuthorizationProblem['kind'], string>> = {
  'nothing-pending': 'no authorisation waits for an answer',
  'state-mismatch': 'the answer has another "state" than the question that was asked',
  'no-code': 'the answer has neither a "code" nor an "error"',
  denied: 'it was refused',
  'exchange-failed': 'the code could not be exchanged for a token',
};

/** Only what OAuth has in it. The values are secrets for a while, so none is quoted. */
function responseOf(params: URLSearchParams | AuthorizationResponse, id: string): AuthorizationResponse {
  hiddenObject(params, 'params', id);
  const given: Readonly<Record<string, unknown>> =
    params instanceof URLSearchParams ? Object.fromEntries(params) : { ...params };
  return {
    code: optionalText(given['code'], 'params.code', id),
    state: optionalText(given['state'], 'params.state', id),
    iss: optionalText(given['iss'], 'params.iss', id),
    error: optionalText(given['error'], 'params.error', id),
  };
}
