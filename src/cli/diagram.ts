import { diagram } from '../inspect/index.ts';
import type { DiagramFormat, MachineName } from '../inspect/index.ts';

/** Writes one of holdfast's statecharts to standard output. */
export function writeDiagram(name: MachineName, format: DiagramFormat): void {
  process.stdout.write(`${diagram(name, format).trimEnd()}\n`);
}
