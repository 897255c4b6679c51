import fc from 'fast-check';
import { eventStream } from './event-stream-text.ts';

/** Addresses as a server could write them into its stream. `stranger` is the origin of somebody else, `own` that of the server. */
function endpointText(stranger: string, own: string): fc.Arbitrary<string> {
  const host = new URL(stranger).host;
  const ownHost = new URL(own).host;
  const paths = [
    '/messages?session=1',
    '/messages',
    'messages',
    '?session=1',
    '../m',
    '/m/../n',
    '/a b',
    '/ż?ó=🙂',
    '/#x',
  ];
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...paths) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        `${own}/there`,
        `HTTP://${ownHost}/there`,
        `//${ownHost}/there`,
        `http:/there`,
        `http:there`,
        `http://user:secret@${ownHost}/there`,
        ` \t${own}/there `,
        own.replace('127.0.0.1', '127.1'),
        own.replace('127.0.0.1', '0x7f.1'),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        `${stranger}/m`,
        `//${host}/m`,
        `\\\\${host}\\m`,
        `/\\${host}/m`,
        `https://${ownHost}/m`,
        own.replace('127.0.0.1', 'localhost'),
        `http://${ownHost}@${host}/m`,
        `http://${host}#${ownHost}`,
        'javascript:alert(1)',
        'data:,x',
        'file:///etc/passwd',
        'blob:null',
        'http://',
        'http://[::1',
        'http://127.0.0.1:99999/',
        `ws://${ownHost}/m`,
      ),
    },
    { weight: 1, arbitrary: fc.webPath({ size: 'small' }) },
    {
      weight: 1,
      arbitrary: fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replaceAll(/[\r\n]/g, '')),
    },
  );
}

/** The stream of an older server: where messages are to be posted, sometimes more than once, among other events. */
export function endpointStream(stranger: string, own: string): fc.Arbitrary<Buffer> {
  const endpoint = endpointText(stranger, own).map((text) => Buffer.from(`event: endpoint\ndata: ${text}\n\n`));
  const part = fc.oneof({ weight: 2, arbitrary: endpoint }, { weight: 1, arbitrary: eventStream });
  return fc
    .record({
      before: fc.option(eventStream),
      first: endpoint,
      repeats: fc.boolean(),
      after: fc.array(part, { maxLength: 2 }),
    })
    .map(({ before, first, repeats, after }) =>
      Buffer.concat([before ?? Buffer.alloc(0), first, ...(repeats ? [first] : []), ...after]),
    );
}
