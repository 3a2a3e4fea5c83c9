/**
 * Receives reports of runs, over the API and in the streams of agents. A report is stored once, however often it
 * arrives, in one transaction with its consequences.
 */
import { cleanReport, type ReportWords, type SentReport } from '#run/agent-report.ts';
import { endedSentence } from '#run/describe-end.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import { withoutSecrets } from '#run/secret.ts';
import type { StoredReport } from '#store/reports.ts';
import type { Store } from '#store/store.ts';
import type { RunTokens } from '../agents/run-tokens.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Tx } from '../core/transaction.ts';

export type Reports = ReturnType<typeof createReports>;

export function createReports(deps: {
  store: Store;
  supervisor: Supervisor;
  tokens: RunTokens;
  /** Returns values of this run's variables that must not be stored. */
  secretsOf: (run: Run) => readonly string[];
  now: () => number;
}) {
  const { store, supervisor, tokens } = deps;

  /** Stores a report, or returns the one that already has this id. Refuses empty reports and more than the limit. */
  function take(tx: Tx, run: Run, sent: Omit<SentReport, 'token'>): StoredReport | 'empty' | 'too_many' {
    const before = store.reports.get(run.number, sent.id);
    if (before !== null) return before;
    if (store.reports.count(run.number) >= limits.reportsPerRun) return 'too_many';
    const words: ReportWords = cleanReport(
      withoutSecrets({ kind: sent.kind, text: sent.text, who: sent.who }, [tokens.of(run), ...deps.secretsOf(run)]),
    );
    if (words.text === '') return 'empty';
    const report = { run: run.number, id: sent.id, task: run.lineage.taskId, ...words, at: deps.now() };
    store.reports.put(tx, report);
    tx.record({ task: report.task, run, type: 'report', data: words });
    // The run may have lost its keeper, but a report shows that it is active.
    tx.submit(run.number, { type: 'activity' });
    tx.react({ type: 'report', run, report });
    return report;
  }

  return {
    /** Takes a report that a run sends over the API. */
    send(run: Run, sent: SentReport): StoredReport {
      if (!tokens.isOf(run, sent.token))
        throw new ClipError(
          'refused',
          `This is not the token of run ${run.number}: only the run itself may report for it.`,
          'Inside the run, clip report finds its token in CLIP_RUN_TOKEN.',
        );
      // The client repeats a report whose answer was lost. It was stored while the run was alive.
      const before = store.reports.get(run.number, sent.id);
      if (before !== null) return before;
      if (isEnded(run.state))
        throw new ClipError('refused', endedSentence(run, deps.now()), 'Only a run that lives can report.');
      const taken = supervisor.transaction((tx) => take(tx, run, sent));
      if (taken === 'empty')
        throw new ClipError(
          'usage',
          'The report says nothing.',
          'Say what there is to say: clip report next "write the tests"',
        );
      if (taken === 'too_many')
        throw new ClipError(
          'refused',
          `Run ${run.number} has made ${limits.reportsPerRun} reports, and that is the most.`,
          'Report what matters: clip help report',
        );
      return taken;
    },

    /** Takes reports found in a run's stream, if they carry the run's token and the run has not ended. */
    read(tx: Tx, number: number, sent: readonly SentReport[]): void {
      const run = supervisor.find(number);
      if (run === null || isEnded(run.state)) return;
      for (const report of sent) if (tokens.isOf(run, report.token)) take(tx, run, report);
    },
  };
}
