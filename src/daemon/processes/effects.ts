/** Performs effects after they were committed. */
import type { Run } from '#run/run.ts';
import type { SupervisorWiring } from '../core/supervisor.ts';
import { Launcher, type LauncherDeps } from './launcher.ts';
import type { Terminator } from './terminate.ts';

type EffectDeps = LauncherDeps & {
  readonly terminator: Pick<Terminator, 'go'>;
  readonly finalizer: { readonly finalize: (number: number) => void };
  readonly monitor: { readonly watch: (run: Run) => void };
  readonly earlySamples: { readonly watch: (run: Run) => void };
};

/** Returns what performs an effect. It never submits before the change that ordered the effect has returned. */
export function createEffects(deps: EffectDeps): SupervisorWiring['perform'] {
  const launcher = new Launcher(deps);
  return (effect, run) => {
    switch (effect.type) {
      case 'spawn':
        deps.monitor.watch(run);
        return launcher.launch(run);
      case 'withdraw':
        return void setImmediate(() => deps.launches.withdraw(run));
      case 'watch':
        deps.earlySamples.watch(run);
        return deps.monitor.watch(run);
      case 'stop':
        return void setImmediate(() => deps.terminator.go(run.number));
      case 'finalize':
        return void setImmediate(() => deps.finalizer.finalize(run.number));
      case 'retry-lost':
      case 'retry-fresh':
        // No action: the new run was stored with the end of the old one.
        return;
    }
  };
}
