// Plants the bug of one mutant in the compiled code as it is loaded.
import type { InitializeHook, LoadHook } from 'node:module';
import type { Mutant } from './mutants.ts';

let planted: Mutant | undefined;

export const initialize: InitializeHook<Mutant> = (mutant) => {
  planted = mutant;
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  if (planted === undefined || !url.endsWith(`/src/${planted.file}.js`)) return loaded;
  const { source = '' } = loaded;
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
  const parts = text.split(planted.find);
  if (parts.length !== 2)
    throw new Error(`mutant "${planted.name}": its text is in ${planted.file} ${parts.length - 1} times`);
  return { ...loaded, source: parts.join(planted.replace) };
};
