/** `ingest-rows.ts FILE FOLDER`: our side of the ingest bench, in a process of its own. Prints one line of JSON. */
import { readFileSync } from 'node:fs';
import { ImagePacker } from '../pipeline/data/image-packer.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../artifacts/store/folder-object-store.ts';
import { ingestDatasets } from '../judge/datasets/ingest.ts';
import { recipeSchema } from '../recipes/recipe.ts';

const [file = '', folder = ''] = process.argv.slice(2);

const recipe = recipeSchema.parse({
  name: 'bench',
  policy: { checkpoint: '/none' },
  tasks: { judged: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image> {{ mode_word }}' } },
  datasets: [{ reader: 'parquet', task: 'judged', split: 'test', path: file, imageEdgeMax: 224, fields: {} }],
  arms: { base: { objective: 'none', mode: 'think' } },
});

const startedAtMs = performance.now();
const cache = new JsonCache(new ArtifactStore(new FolderObjectStore(folder)));
const packer = new ImagePacker(cache);
const { examples } = await ingestDatasets(recipe, { image: (digest, bytes) => packer.add(digest, bytes) });
await Promise.all([packer.finish(), cache.put(examples)]);
const wallMs = performance.now() - startedAtMs;
const { user, system } = process.cpuUsage();
const processorMs = (user + system) / 1000;
// Not getrusage's maximum: on Linux it starts from the size of the parent process.
const status = readFileSync('/proc/self/status', 'utf8');
const residentMebibytesMax = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024;
process.stdout.write(
  `${JSON.stringify({ imageCount: packer.imageCount, wallMs, processorMs, residentMebibytesMax })}\n`,
);
