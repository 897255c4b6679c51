/** Schemas compiled by Ajv. Runs in the worker: an Ajv compiles a schema to code, and neither that nor the code is bounded. */
import { Ajv, type Options } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { dialectOf } from './dialect.ts';
import { messageOf } from './thrown.ts';
import type { OutputSchema } from './validator.ts';
import type { WorkerAnswer } from './worker-protocol.ts';

const options: Options = {
  strict: false,
  logger: false,
  validateSchema: false,
  // Annotations, as in draft 2020-12.
  validateFormats: false,
  // Without it an absent `constructor` or `toString` is found on the prototype.
  ownProperties: true,
  // 19.99 is a multiple of 0.01, and a division of floating point numbers says that it is not.
  multipleOfPrecision: 6,
  // Compiling is what takes long, and optimising doubles it.
  code: { optimize: false },
};

/**
 * The check of any schema. Each has an Ajv of its own, so that schemas with the same `$id` never meet. Throws what Ajv throws
 * for a schema that it cannot compile, and for a dialect that is not known. References are never fetched.
 */
export function compileSchema(schema: OutputSchema): (value: unknown) => WorkerAnswer {
  const validate = ajvFor(schema).compile(schema);
  if ('$async' in validate) throw new Error('$async schemas are not supported');
  return (value) => {
    try {
      if (validate(value)) return { kind: 'valid' };
    } catch (error) {
      return { kind: 'failed', message: messageOf(error) };
    }
    const [error] = validate.errors ?? [];
    return { kind: 'invalid', path: error?.instancePath ?? '', message: error?.message ?? 'must match the schema' };
  };
}

function ajvFor(schema: OutputSchema): Ajv | Ajv2020 {
  switch (dialectOf(schema)) {
    case '2020-12':
      return new Ajv2020(options);
    case 'draft-07':
      return new Ajv(options);
    case undefined:
      throw new Error(`$schema ${JSON.stringify(schema['$schema'])} is neither JSON Schema 2020-12 nor draft-07`);
  }
}
