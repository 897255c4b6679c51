export { startLeakCheck, type LeakCheck, type LeakCheckOptions } from './leak-check.ts';
export { createSeededRandom, type SeededRandom } from './seeded-random.ts';
export type {
  SimulatedBehaviour,
  SimulatedCallHandler,
  SimulatedRequestHandler,
  SimulatedTool,
} from './simulated-behaviour.ts';
export type { ClientMethod, ExecutedCall, ReceivedMessage, SimulatedServer } from './simulated-server.ts';
export { createSimulatedServers, type SimulatedServers, type SimulatedServersOptions } from './simulated-servers.ts';
export { createVirtualClock, type VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
