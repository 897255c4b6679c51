// A client in a process of its own: connects with one of the callers to the named servers, tells how long that took, and then
// makes one call, or closes, whenever it is told to. `{ call: <name of a server> }` or `{ close: true }`.
import { performance } from 'node:perf_hooks';

async function timed(work) {
  const began = performance.now();
  let got;
  try {
    got = { text: await work() };
  } catch (error) {
    got = { error: String(error?.code ?? error?.message ?? error).slice(0, 100) };
  }
  return { ...got, ms: performance.now() - began };
}

const [module, servers] = process.argv.slice(2);
process.once('disconnect', () => process.exit(0));
const { connect } = await import(module);
let client;
const opened = await timed(async () => {
  client = await connect(JSON.parse(servers));
});
process.on('message', ({ call, close }) => {
  const work = () => (close === true ? client.close().then(() => 'closed') : client.call(call));
  void timed(work).then((end) => process.send(end));
});
process.send(opened);
