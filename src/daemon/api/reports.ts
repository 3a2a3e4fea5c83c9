import type { ReportAnswer } from '../../protocol/answers.ts';
import { refParams, reportRequest } from '../../protocol/requests.ts';
import { reportViewOf } from '../../protocol/views.ts';
import { read } from './border.ts';
import type { Routes } from './world.ts';

export const reportRoutes: Routes = (api, world) => {
  api.post('/v1/runs/:run/reports', (request): ReportAnswer => {
    const run = world.resolve(read(refParams, request.params).run);
    const report = world.reports.send(run, read(reportRequest, request.body));
    return { schema: 1, report: reportViewOf(report), run: run.number, task: report.task };
  });
};
