import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  schema: ['./src/store/schema.ts', './src/store/task-schema.ts', './src/store/usage-schema.ts'],
  out: './migrations',
});
