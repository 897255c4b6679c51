// A process that runs the seeds that it is sent, one after the other, and sends back what came of each.
import { runSeed, type SeedOrder } from './run-seeds.ts';

process.on('message', (order: SeedOrder) => {
  void runSeed(order).then((report) => process.send?.(report));
});
