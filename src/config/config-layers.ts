import { homedir } from 'node:os';
import { dirname, resolve, sep } from 'node:path';
import { ConfigError } from '../errors/config-error.ts';
import { kindOf } from './document-value.ts';
import type { JsonMember, JsonValue } from './document-value.ts';
import { recogniseDocument } from './dialects.ts';
import type { DialectName, Document } from './dialects.ts';
import type { EntryContext } from './entry-context.ts';
import type { VariableScope } from './expand-variables.ts';
import { projectFolderOf } from './find-config.ts';
import type { ConfigText } from './find-config.ts';
import { inputResolver, readInputDefaults } from './input-values.ts';
import { parseDocument } from './parse-document.ts';
import { quoted } from './printable.ts';
import { describeReadError } from './read-text-file.ts';
import { Report } from './report.ts';
import { readFilledText } from './text-value.ts';

/** One file of a configuration, parsed. */
export interface Layer {
  readonly document: Document;
  readonly context: EntryContext;
  readonly report: Report;
}

/** What reading the files of a configuration needs. */
export interface LayerSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly inputs: Readonly<Record<string, string>>;
  readonly dialect: DialectName | undefined;
  /** Where the servers are to be used. */
  readonly cwd: string;
  readonly readFile: (path: string) => Promise<string>;
}

/** So many files are enough for any configuration, and keep one that extends itself in ever new ways from being read for ever. */
const mostFiles = 64;

/**
 * The files of a configuration, each after those that it extends: what a later one says wins. A file that is extended and cannot be used is
 * a problem of the one that extends it; rejects with `ConfigError` for one that was named outright.
 */
export class Layers {
  readonly all: Layer[] = [];
  readonly #source: LayerSource;
  readonly #seen = new Set<string>();

  constructor(source: LayerSource) {
    this.#source = source;
  }

  async add({ file, text }: ConfigText, through: readonly string[] = []): Promise<void> {
    if (this.#seen.has(file)) return;
    this.#seen.add(file);
    const report = new Report(file);
    // A dialect that was asked for is that of the files that were named, not of those that they extend.
    const asked = through.length === 0 ? this.#source.dialect : undefined;
    const document = recogniseDocument(await parseDocument(file, text), report, this.#source.cwd, asked);
    const context = this.#contextOf(file, document, report);
    if (document.extends !== undefined) await this.#addExtended(document.extends, context, [...through, file], report);
    this.all.push({ document, context, report });
  }

  async #addExtended(
    member: JsonMember,
    context: EntryContext,
    through: readonly string[],
    report: Report,
  ): Promise<void> {
    for (const item of extendedIn(member, report)) {
      const written = readFilledText(item, 'the path of a file', { ...context.scope, onValue: undefined }, report);
      if (written === undefined) continue;
      const file = resolve(
        dirname(report.file),
        written.replace(/^~(?=$|[\\/])/u, () => context.scope.userHome),
      );
      if (through.includes(file)) {
        report.problem(item, `${quoted(written)} extends this file in turn`, 'take it out here or there');
      } else if (this.#seen.size >= mostFiles) {
        report.problem(item, `a configuration has ${mostFiles} files at most`, 'put some of them into one');
      } else {
        await this.#addOne(file, item, written, through, report);
      }
    }
  }

  async #addOne(
    file: string,
    item: JsonValue,
    written: string,
    through: readonly string[],
    report: Report,
  ): Promise<void> {
    let text: string;
    try {
      text = (await this.#source.readFile(file)).replace(/^\uFEFF/, '');
    } catch (error) {
      const { problem, fix } = describeReadError(error);
      report.problem(item, `${quoted(written)} ${problem}`, fix);
      return;
    }
    try {
      await this.add({ file, text }, through);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const { line, column, field, problem, fix } = error;
      report.problems.push({ file, line, column, field, serverId: null, problem, fix });
    }
  }

  #contextOf(file: string, { dialect, inputs }: Document, report: Report): EntryContext {
    const { env, readFile } = this.#source;
    const projectFolder = projectFolderOf(file);
    const scope: VariableScope = {
      env,
      inputOf: inputResolver(this.#source.inputs, env, readInputDefaults(inputs, report)),
      workspaceFolder: projectFolder,
      userHome: env[process.platform === 'win32' ? 'USERPROFILE' : 'HOME'] || homedir(),
      pathSeparator: sep,
      variables: dialect.variables,
    };
    return { dialect, scope, projectFolder, readFile };
  }
}

function extendedIn({ value }: JsonMember, report: Report): readonly JsonValue[] {
  if (value.type === 'array') return value.items;
  if (value.type === 'string') return [value];
  report.problem(value, `extends must be a list of files, but it is ${kindOf(value)}`, 'write "extends": ["…"]');
  return [];
}
