import type { ReportAnswer } from '#protocol/answers.ts';
import { buildReportView } from '#protocol/build-views.ts';
import { refParams, reportRequest } from '#protocol/requests.ts';
import { read } from '../api-errors.ts';
import type { Routes } from '../context.ts';

export const reportRoutes: Routes = (api, deps) => {
  api.post('/v1/runs/:run/reports', (request): ReportAnswer => {
    const run = deps.resolve(read(refParams, request.params).run);
    const report = deps.reports.send(run, read(reportRequest, request.body));
    return { schema: 1, report: buildReportView(report), run: run.number, task: report.task };
  });
};
