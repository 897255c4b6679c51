import { isRecord } from '../engine/json-rpc.ts';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import type { ServerQuestions } from '../sdk/server-questions.ts';

/** Answers the questions that came in an answer of the server's, all of them or none: rejects with a `LinkError` of kind `refused`. */
export async function answersTo(
  inputRequests: readonly (readonly [string, unknown])[],
  questions: ServerQuestions,
  asking: AbortController,
): Promise<Record<string, unknown>> {
  try {
    const answers = await Promise.all(
      inputRequests.map(async ([key, question]) => [key, await answerTo(question, questions, asking.signal)] as const),
    );
    return Object.fromEntries(answers);
  } catch (error) {
    // One question that is not answered makes the answers to the others worthless.
    asking.abort();
    throw error instanceof LinkError ? error : refused(HANDLER_FAILED, error);
  }
}

async function answerTo(
  question: unknown,
  questions: ServerQuestions,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const method = isRecord(question) ? question['method'] : undefined;
  const params = isRecord(question) ? question['params'] : undefined;
  const answerer = questions.answererOf(method);
  if (answerer === undefined) {
    const asked = typeof method === 'string' ? JSON.stringify(method.slice(0, 60)) : 'something';
    throw refused({
      kind: 'config',
      code: 'no-handler',
      message: `The server needs an answer to ${asked} first, and no handler is given for that: see "handlers" of the server's options.`,
    });
  }
  return answerer(isRecord(params) ? params : {}, signal);
}

/** The server has the request, and it comes to nothing. */
export function refused(fault: Fault, cause?: unknown): LinkError {
  return new LinkError({ kind: 'refused', sent: true, fault }, cause === undefined ? undefined : { cause });
}

const HANDLER_FAILED: Fault = {
  kind: 'internal',
  code: 'handler-threw',
  message: 'The server needs an answer first, and the handler that was to give it failed.',
};
