/** Everything that reads foreign bytes, by name. */
import type { OpenFuzzTarget } from './fuzz-target.ts';
import { openArchives } from './targets/archives.ts';
import { openBodies } from './targets/bodies.ts';
import { openChatTemplates } from './targets/chat-templates.ts';
import { openCheckpointFiles } from './targets/checkpoint-files.ts';
import { openPictures } from './targets/pictures.ts';
import { openRecipes } from './targets/recipes.ts';
import { openRows } from './targets/rows.ts';
import { openGgufFiles, openSafetensors } from './targets/weights.ts';

export const fuzzTargets = {
  jsonl: openRows('jsonl'),
  json: openRows('json'),
  csv: openRows('csv'),
  parquet: openRows('parquet'),
  tar: openRows('tar'),
  zip: openRows('zip'),
  pictures: openPictures,
  recipes: openRecipes,
  'chat-templates': openChatTemplates,
  safetensors: openSafetensors,
  gguf: openGgufFiles,
  'checkpoint-files': openCheckpointFiles,
  archives: openArchives,
  bodies: openBodies,
} as const satisfies Record<string, OpenFuzzTarget>;

export type FuzzTargetName = keyof typeof fuzzTargets;
export const fuzzTargetNames = Object.keys(fuzzTargets) as readonly FuzzTargetName[];
