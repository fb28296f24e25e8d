/** A checkpoint on the Hub as a local path: its files are downloaded into the Hub's cache. */
import { join } from 'node:path';
import { hubAddressText } from '../../core/hub-address.ts';
import { MtrlError } from '../../core/errors.ts';
import type { HubFile } from '../../artifacts/hub/hub.ts';
import { hubPlace } from '../data/hub-place.ts';
import type { ComputeDeps } from '../deps.ts';
import type { Caller } from '../heartbeat.ts';

/** What a checkpoint needs: weights as safetensors, config, tokenizer, templates; nothing that is executed or pickled. */
const wanted = /^(model|adapter_model)[^/]*\.safetensors$|^[^/]+\.(json|jinja|txt|model)$|^additional_chat_templates\//;
const logIntervalBytes = 64 << 20;

/**
 * Returns the folder with the files, or the file that the address names, such as one of several GGUF files.
 * @param place an address whose revision is a commit
 */
export async function hubCheckpoint({ hub: opened, log }: ComputeDeps, place: string, caller: Caller): Promise<string> {
  const { hub, address } = hubPlace(opened, place);
  const pinned = { ...address, revision: await hub.commitOf(address) };
  const all = await hub.files(pinned);
  const files =
    address.path === '' ? all.filter(({ path }) => wanted.test(path)) : all.filter(({ path }) => path === address.path);
  if (files.length === 0) throw missing(place, all);
  const total = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  let [done, logged] = [0, 0];
  await hub.download(pinned, files, (byteLength) => {
    done += byteLength;
    const progress = { place: hubAddressText(pinned), byteLength: done, of: total };
    caller.heartbeat(progress);
    if (done - logged < logIntervalBytes && done < total) return;
    logged = done;
    log.info(progress, 'downloading from the Hub');
  });
  return join(hub.snapshotFolder(pinned), address.path);
}

function missing(place: string, all: readonly HubFile[]): MtrlError {
  const names = all.map(({ path }) => path).filter((path) => /\.(gguf|safetensors|bin)$/.test(path));
  return new MtrlError('FILE_MISSING', 'the repository has no such checkpoint', {
    where: place,
    found: names.length === 0 ? 'no weights at all' : names.slice(0, 8).join(', '),
    hint: 'name a repository with config.json and *.safetensors, or one .gguf file of it: hf:org/name@revision/model.gguf',
  });
}
