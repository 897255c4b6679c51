/** The worker: checks what it is given, one result after another, and decides nothing. */
import { parentPort } from 'node:worker_threads';
import { compileSchema } from './compiled-schema.ts';
import { messageOf } from './thrown.ts';
import type { OutputSchema } from './validator.ts';
import { READY, type WorkerAnswer, type WorkerOrder } from './worker-protocol.ts';

type Check = (value: unknown) => WorkerAnswer;

const checks = new Map<string, Check>();

parentPort?.on('message', ({ key, schema, forget, value }: WorkerOrder) => {
  if (forget !== null) checks.delete(forget);
  if (schema !== null) checks.set(key, checkOf(schema));
  const answer = checks.get(key)?.(value) ?? { kind: 'failed', message: 'the worker does not have the schema' };
  parentPort?.postMessage(answer);
});
parentPort?.postMessage(READY);

function checkOf(schema: OutputSchema): Check {
  try {
    return compileSchema(schema);
  } catch (error) {
    const answer: WorkerAnswer = { kind: 'bad-schema', message: messageOf(error) };
    return () => answer;
  }
}
