// House rules that the linter cannot express. `node scripts/check-house.mjs` checks the working tree;
// check-lint-rules.mjs proves on snippets that each rule fires.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const noticeLines = 300;
const maxLines = 400;
/** Folders that hold what is none of our code, and what breaks the rules on purpose. */
const unread = new Set(['fixtures', 'node_modules']);
const dumpingGrounds = new Set(['common', 'constants', 'helpers', 'misc', 'shared', 'types', 'util', 'utils']);

/**
 * What is wrong with one file. `path` is relative to the repository, with forward slashes.
 * @param {string} path
 * @param {string} text
 */
export function inspect(path, text) {
  const findings = [];
  const report = (rule, index, message, level = 'failure') => {
    findings.push({ rule, level, line: text.slice(0, index).split('\n').length, message });
  };
  const code = blankComments(text);

  if (path.startsWith('src/')) {
    const lines = text.trimEnd().split('\n').length;
    if (lines > maxLines)
      report('file-length', text.trimEnd().length, `${lines} lines, at most ${maxLines}: find the second concept`);
    else if (lines > noticeLines)
      report('file-length', text.trimEnd().length, `${lines} lines: is there a second concept?`, 'notice');

    const name = basename(path).split('.')[0];
    if (dumpingGrounds.has(name))
      report('dumping-ground', 0, `a thing lives with the concept it serves, not in ${name}`);

    for (const { index } of code.matchAll(/\bsystemId\b/g)) {
      report(
        'system-id',
        index,
        'a duplicate systemId kills the whole actor system: address children by their server id',
      );
    }
  }

  if (/^src\/(actors|manager)\//.test(path)) {
    for (const { index, receiver, argument } of calls(code, 'subscribe')) {
      if (isObservable(receiver) || observesErrors(argument)) continue;
      report(
        'observe-errors',
        index,
        'an actor whose error nobody observes throws it globally: subscribe({ next, error })',
      );
    }
  }

  if (/^src\/(machines|actors|manager)\//.test(path)) {
    for (const { index, argument } of calls(code, 'createActor')) {
      const options = topLevelParts(argument)[1];
      if (options !== undefined && (!options.startsWith('{') || /\bclock\b|\.\.\./.test(options))) continue;
      report(
        'actor-clock',
        index,
        'a root actor without a clock uses the global timers: createActor(logic, { clock, … })',
      );
    }
  }

  if (/^test\/.*\.test\.ts$/.test(path)) {
    const sleeps =
      /new Promise\b[^;]{0,60}(?<!\.)\bsetTimeout\(\s*(?:\w+|\(\) => \w+\(\))\s*,|from 'node:timers\/promises'/g;
    for (const { index } of code.matchAll(sleeps)) {
      report('no-sleep', index, 'a test waits for a fact or moves virtual time; it never sleeps');
    }
  }

  for (const match of text.matchAll(
    /(?:\/\/|\/\*)\s*(?:oxlint|eslint)-disable[^\n]*|(?:\/\/|\/\*)\s*@ts-(?:expect-error|ignore)[^\n]*/g,
  )) {
    const isComment = code[match.index] === ' ';
    if (isComment && !/ -- \S|@ts-expect-error\s+\S/.test(match[0])) {
      report(
        'reasonless-exception',
        match.index,
        'an exception says why: `-- reason` after a lint rule, prose after @ts-expect-error',
      );
    }
  }
  return findings;
}

/** RxJS by the house's naming (`events$`) or by shape (a pipe): its observables never error, actors may. */
function isObservable(receiver) {
  return receiver.endsWith('$') || /\.(?:pipe|asObservable)\([\s\S]*\)$/.test(receiver);
}

function observesErrors(argument) {
  const first = topLevelParts(argument)[0] ?? '';
  if (first.startsWith('{'))
    return topLevelParts(first.slice(1, -1)).some((part) => /^(?:async\s+)?error\b|^\.\.\./.test(part));
  return /^[\w.#]*(?:observer|subscriber)$/i.test(first);
}

/** Each `.name(…)` or `name(…)` call: where it is, what stands before the dot, and the text between its parentheses. */
function* calls(code, name) {
  for (const match of code.matchAll(new RegExp(`(?<![\\w$])${name}(?:<[^()]*>)?\\(`, 'g'))) {
    const open = match.index + match[0].length - 1;
    const before = code.slice(0, match.index).trimEnd();
    if (/\bfunction$/.test(before)) continue;
    const close = closingOf(code, open);
    if (name === 'subscribe' && !before.endsWith('.')) continue;
    yield { index: match.index, receiver: receiverOf(before), argument: code.slice(open + 1, close) };
  }
}

/** The expression that ends at the dot which `before` ends with, `actor.system.get(x)` in `= actor.system.get(x).`. */
function receiverOf(before) {
  let end = before.replace(/\??\.$/, '').trimEnd();
  const whole = end;
  for (;;) {
    const last = end.at(-1) ?? '';
    if (last === ')' || last === ']') end = end.slice(0, openingOf(end, end.length - 1)).trimEnd();
    else if (/[\w$#]/.test(last)) end = end.replace(/[\w$#]+$/, '');
    else if (last === '.') end = end.replace(/[?!]?\.$/, '').trimEnd();
    else if (last === '!') end = end.slice(0, -1);
    else return whole.slice(end.length).trim();
  }
}

function closingOf(code, open) {
  let depth = 0;
  for (let at = open; at < code.length; at += 1) {
    if ('([{'.includes(code[at])) depth += 1;
    else if (')]}'.includes(code[at]) && (depth -= 1) === 0) return at;
  }
  return code.length;
}

function openingOf(code, close) {
  let depth = 0;
  for (let at = close; at >= 0; at -= 1) {
    if (')]}'.includes(code[at])) depth += 1;
    else if ('([{'.includes(code[at]) && (depth -= 1) === 0) return at;
  }
  return 0;
}

/** Splits at the commas that are inside no bracket. */
function topLevelParts(text) {
  const parts = [''];
  let depth = 0;
  for (const character of text) {
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/**
 * The text with comments blanked and brackets inside strings replaced, every offset kept. Regular expressions are not
 * recognised: a bracket or quote in one can at worst hide a finding on the same statement.
 */
function blankComments(text) {
  const token = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return text.replace(token, (found) =>
    found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : found.replace(/[()[\]{},]/g, '_'),
  );
}

function* sources(root, folder) {
  if (!existsSync(join(root, folder))) return;
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory() && !unread.has(entry.name)) yield* sources(root, path);
    else if (/\.(ts|mjs)$/.test(entry.name)) yield path;
  }
}

function main(root) {
  let files = 0;
  let failures = 0;
  for (const folder of ['src', 'test', 'bench', 'examples', 'scripts']) {
    for (const path of sources(root, folder)) {
      files += 1;
      for (const { rule, level, line, message } of inspect(path, readFileSync(join(root, path), 'utf8'))) {
        if (level === 'failure') failures += 1;
        console.log(`${path}:${line}: ${level}: ${message} [${rule}]`);
      }
    }
  }
  console.log(`house: ${files} files, ${failures} failures`);
  return failures === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = main(fileURLToPath(new URL('..', import.meta.url)));
}
