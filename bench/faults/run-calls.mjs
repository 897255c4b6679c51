// A client in a process of its own: connects with one of the callers, and makes one call whenever it is told to.
import { performance } from 'node:perf_hooks';

const [module, server] = process.argv.slice(2);
process.once('disconnect', () => process.exit(0));
const { connect } = await import(module);
const call = await connect(JSON.parse(server));
process.on('message', async () => {
  const began = performance.now();
  let got;
  try {
    got = { text: await call() };
  } catch (error) {
    got = { error: String(error?.code ?? error?.message ?? error).slice(0, 100) };
  }
  process.send({ ...got, ms: performance.now() - began });
});
process.send('ready');
