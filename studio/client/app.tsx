/** The frame of every page, and which view an address shows. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ExperimentView, StudioSettings } from '../api.ts';
import { pathOf } from '../query.ts';
import { type Address, linkTo, useAddress } from './address.ts';
import { isBundle } from './bundle.ts';
import { useJson } from './fetch-json.ts';
import { everywhere, useHotkeys } from './hotkeys.ts';
import { useProgress } from './progress.ts';
import { Failed, Waiting } from './widgets/notice.tsx';
import { Help } from './widgets/help.tsx';
import { Compare } from './views/compare.tsx';
import { Data } from './views/data.tsx';
import { Evaluation } from './views/evaluation.tsx';
import { Example } from './views/example.tsx';
import { Experiments } from './views/experiments.tsx';
import { Group } from './views/group.tsx';
import { Label } from './views/label.tsx';
import { Lineage } from './views/lineage.tsx';
import { Overview } from './views/overview.tsx';
import { Promotions } from './views/promotions.tsx';
import { Rollouts } from './views/rollouts.tsx';

export interface ViewProps {
  readonly experiment: ExperimentView;
  readonly address: Address;
}

interface View {
  readonly title: string;
  readonly show: ComponentType<ViewProps>;
  /** Those without a key belong to another view. */
  readonly key?: string;
}

const views: Readonly<Record<string, View>> = {
  overview: { title: 'Overview', show: Overview, key: '1' },
  rollouts: { title: 'Rollouts', show: Rollouts, key: '2' },
  evaluation: { title: 'Evaluation', show: Evaluation, key: '3' },
  compare: { title: 'Compare', show: Compare, key: '4' },
  data: { title: 'Data', show: Data, key: '5' },
  lineage: { title: 'Lineage', show: Lineage, key: '6' },
  label: { title: 'Label', show: Label, key: '7' },
  group: { title: 'Group', show: Group },
  example: { title: 'Example', show: Example },
};

export function App() {
  const address = useAddress();
  const { experimentId, view } = address;
  const [hasHelp, setHasHelp] = useState(false);
  const settings = useJson<StudioSettings>(isBundle ? undefined : '/api/settings').value;
  const named = Object.entries(views).flatMap(([name, { title, key }]) => {
    const isOffered = key !== undefined && (name !== 'label' || settings?.labeller !== undefined);
    return isOffered ? [{ name, title, key }] : [];
  });
  useHotkeys(
    [
      { key: '?', meaning: 'this list', press: () => setHasHelp(!hasHelp) },
      ...(experimentId === undefined ? [] : named.map(({ name, title, key }) => goTo(experimentId, name, title, key))),
    ],
    everywhere,
  );
  useEffect(() => {
    document.title = [views[view]?.title ?? 'Studio', experimentId].filter(Boolean).join(' · ');
    scrollTo(0, 0);
  }, [experimentId, view]);
  return (
    <>
      <header class="bar">
        <a class="brand" href="#/">
          <i aria-hidden="true" />
          Studio
        </a>
        {experimentId === undefined ? null : <span class="crumb">{experimentId}</span>}
        {experimentId === undefined ? (
          <nav aria-label="Pages">
            <a href="#/experiments" aria-current={view === 'experiments' ? 'page' : undefined}>
              Experiments
            </a>
            {isBundle ? null : (
              <a href="#/promotions" aria-current={view === 'promotions' ? 'page' : undefined}>
                Promotions
              </a>
            )}
          </nav>
        ) : (
          <nav aria-label="Views">
            {named.map(({ name, title }) => (
              <a key={name} href={linkTo(experimentId, name)} aria-current={name === view ? 'page' : undefined}>
                {title}
              </a>
            ))}
          </nav>
        )}
        <button type="button" class="round" aria-label="Keys" onClick={() => setHasHelp(true)}>
          ?
        </button>
      </header>
      <main id="main">
        {experimentId === undefined ? (
          view === 'promotions' ? (
            <Promotions />
          ) : (
            <Experiments />
          )
        ) : (
          <OfExperiment address={address} experimentId={experimentId} key={experimentId} />
        )}
      </main>
      {hasHelp ? <Help close={() => setHasHelp(false)} /> : null}
    </>
  );
}

function goTo(experimentId: string, name: string, title: string, key: string) {
  return {
    key,
    meaning: title.toLowerCase(),
    press: () => {
      location.hash = linkTo(experimentId, name);
    },
  };
}

function OfExperiment({ address, experimentId }: { readonly address: Address; readonly experimentId: string }) {
  const progress = useProgress(experimentId);
  // Read again when it has ended: scores come with its end.
  const path = pathOf(experimentId);
  const { value, failure } = useJson<ExperimentView>(path, progress?.status === 'ENDED' ? 1 : 0);
  const view = views[address.view];
  if (failure !== undefined) return <Failed failure={failure} />;
  if (value === undefined) return <Waiting />;
  if (view === undefined)
    return <Failed failure={{ code: 'NOT_FOUND', message: 'there is no such view', where: address.view }} />;
  return <view.show experiment={value} address={address} />;
}
