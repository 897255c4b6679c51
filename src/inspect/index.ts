export { diagram, type DiagramFormat, type MachineName } from './diagram.ts';
export { toMermaid, type MermaidOptions } from './to-mermaid.ts';
