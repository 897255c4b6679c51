import fc from 'fast-check';
import { nearly, objectText, valueText } from './json-text.ts';

/** The id of the first request of a link; the next ones are counted up. */
export const FIRST_ID = 1_000_000_000;
/** The id of `initialize`. */
export const INITIALIZE_ID = 0;

const version = fc.constant('"2.0"');
const result = fc.oneof(fc.constantFrom('{}', '{"ok":true}', '{"content":[]}'), valueText);
const error = nearly({
  code: fc.constantFrom('-32700', '-32603', '-32022', '0', '1e999', '"-32600"', '1.5'),
  message: fc.constantFrom('"no"', '""', '"\\u0000"', '5'),
  data: valueText,
});

/** An id that may be that of one of `ours`, as a number, as text, or nearly. */
function idText(ours: readonly number[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ours.flatMap((id) => [`${id}`, `"${id}"`, `${id}.0`, `"0${id}"`])) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(...ours.flatMap((id) => [`${id}.5`, `-${id}`, `" ${id}"`, `[${id}]`, `"${id}n"`])),
    },
    { weight: 1, arbitrary: fc.constantFrom('null', 'true', '1e999', '"__proto__"', '999999999', '2147483647', '{}') },
  );
}

const serverRequest = fc.constantFrom<readonly [string, string]>(
  ['"ping"', '{}'],
  ['"roots/list"', '{}'],
  ['"elicitation/create"', '{"message":"?","requestedSchema":{"type":"object","properties":{}}}'],
  ['"sampling/createMessage"', '{"messages":[],"maxTokens":1}'],
  ['"no/such"', '{}'],
  ['"__proto__"', '{}'],
  ['""', '{}'],
);

const notification = fc.constantFrom(
  '"notifications/message"',
  '"notifications/tools/list_changed"',
  '"notifications/resources/updated"',
  '"notifications/initialized"',
  '"notifications/no/such"',
);

/** One message of a server, as text: mostly JSON-RPC, with mistakes. `ours`: the ids of requests that may be answered. */
export function messageText(ours: readonly number[]): fc.Arbitrary<string> {
  const id = idText(ours);
  return fc.oneof(
    { weight: 5, arbitrary: nearly({ jsonrpc: version, id, result }) },
    { weight: 3, arbitrary: nearly({ jsonrpc: version, id, error }) },
    { weight: 3, arbitrary: progress(id) },
    { weight: 1, arbitrary: nearly({ jsonrpc: version, id, result, error }) },
    {
      weight: 1,
      arbitrary: nearly({ jsonrpc: version, method: fc.constant('"notifications/cancelled"'), params: cancelled(id) }),
    },
    { weight: 2, arbitrary: nearly({ jsonrpc: version, method: notification, params: valueText }) },
    {
      weight: 3,
      arbitrary: serverRequest.chain(([method, params]) =>
        nearly({
          jsonrpc: version,
          id: fc.oneof(id, fc.constantFrom('7', '"seven"')),
          method: fc.constant(method),
          params: fc.oneof(fc.constant(params), valueText),
        }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc
        .array(nearly({ jsonrpc: version, id, result }), { maxLength: 3 })
        .map((items) => `[${items.join(',')}]`),
    },
    { weight: 1, arbitrary: valueText },
  );
}

function progress(id: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const params = nearly({
    progressToken: id,
    progress: fc.constantFrom('1', '0.5', '-1', '1e999', '"1"'),
    total: fc.constantFrom('2', '"2"', 'null'),
    message: fc.constantFrom('"half"', '5', '{}'),
  });
  return nearly({ jsonrpc: version, method: fc.constant('"notifications/progress"'), params });
}

function cancelled(id: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    nearly({ requestId: fc.oneof(id, fc.constantFrom('7', '"seven"')), reason: valueText }),
    id.map((text) => objectText([['"requestId"', text]])),
  );
}
