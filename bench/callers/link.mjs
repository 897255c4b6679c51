// The link that holdfast's manager drives, without the manager: what is left of a call's cost is the manager's own share.
import { custom } from '../../dist/index.js';
import { sdkV1Driver } from '../../dist/link/sdk-v1/sdk-v1-driver.js';
import { InMemoryTransport } from './in-memory-transport.mjs';

export async function connect() {
  const link = await new Promise((resolve, reject) => {
    const opening = sdkV1Driver.open({
      serverId: 'server',
      generation: 1,
      target: custom(() => new InMemoryTransport()),
      clientInfo: { name: 'bench', version: '1' },
      handlers: undefined,
      onEvent: ({ type, fault }) => {
        if (type === 'opened') resolve(opening);
        if (type === 'down') reject(new Error(fault.message));
      },
    });
  });
  return {
    call: async () => {
      const { content } = await link.request('tools/call', { name: 'ok', arguments: {} }, {}).answer;
      return content[0].text;
    },
    close: () => link.close('graceful'),
  };
}
