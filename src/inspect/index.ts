export { diagram, type DiagramFormat, type MachineName } from './diagram.ts';
export { defaultInspectorPort, startInspector, type Inspector, type InspectorOptions } from './start-inspector.ts';
export { ServiceError } from '../listening/service-error.ts';
export { toMermaid, type MermaidOptions } from './to-mermaid.ts';
