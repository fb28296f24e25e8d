/** What a run's checkpoint was made from, back to files, seeds and code. */
import type { Ancestry } from '../../../artifacts/ancestry.ts';
import { bytes } from '../../../judge/report/format.ts';
import type { LineageView } from '../../api.ts';
import { pathOf } from '../../query.ts';
import { change } from '../address.ts';
import type { ViewProps } from '../app.tsx';
import { useJson } from '../fetch-json.ts';
import { Select } from '../widgets/choices.tsx';
import { Failed, Waiting } from '../widgets/notice.tsx';

export function Lineage({ experiment, address }: ViewProps) {
  const { experimentId, runs } = experiment;
  const run = address.values['run'] ?? runs.at(-1)?.runName;
  const { value, failure } = useJson<LineageView>(pathOf(experimentId, 'lineage', { run }));
  return (
    <>
      <h1>Lineage</h1>
      <div class="filters panel">
        <Select
          name="Checkpoint of"
          value={run}
          values={runs.map(({ runName }) => [runName, runName])}
          choose={(each) => change(address, { run: each })}
        />
      </div>
      {failure === undefined ? null : <Failed failure={failure} />}
      {value === undefined && failure === undefined ? <Waiting /> : null}
      {value === undefined ? null : (
        <ul class="tree panel">
          <Node node={value.tree} isOpen />
        </ul>
      )}
    </>
  );
}

function Node({ node, isOpen = false }: { readonly node: Ancestry; readonly isOpen?: boolean }) {
  const { name, sha256, byteLength, madeBy, isAbove } = node;
  const head = (
    <>
      <b>{name}</b> <code>{sha256.slice(0, 12)}</code> <small>{bytes(byteLength)}</small>
      {madeBy === undefined ? null : <span class="made"> {madeBy.activity}</span>}
      {isAbove === true ? <small> see above</small> : null}
    </>
  );
  if (madeBy === undefined) return <li class="leaf">{head}</li>;
  const { settings, environment, codeVersion, inputs, files, further } = madeBy;
  return (
    <li>
      <details open={isOpen}>
        <summary>{head}</summary>
        <p class="facts-line">
          {Object.entries(settings).map(([key, value]) => (
            <span key={key}>
              {key} {String(value)}
            </span>
          ))}
          <span>code {codeVersion.slice(0, 12)}</span>
          {Object.entries(environment).map(([key, value]) => (
            <span key={key}>
              {key} {value}
            </span>
          ))}
        </p>
        <ul>
          {inputs.map((input, i) => (
            <Node key={i} node={input} isOpen={inputs.length === 1} />
          ))}
          {Object.entries(further).map(([input, count]) => (
            <li key={input} class="leaf">
              {count} more {input}
            </li>
          ))}
          {Object.entries(files).map(([path, digest]) => (
            <li key={path} class="leaf">
              {path} <code>{digest.slice(0, 12)}</code>
            </li>
          ))}
        </ul>
      </details>
    </li>
  );
}
