// node duck.mjs DIR THREADS OUT FILE.sql...: runs each "-- @name" statement with DuckDB and prints seconds by name, CPU seconds and
// peak memory as one JSON line.
import { DuckDBInstance } from '@duckdb/node-api';
import fs from 'node:fs';

const [dir, threads, out, ...files] = process.argv.slice(2);
const day = process.env.D || '364';
const instance = await DuckDBInstance.create(':memory:', { threads });
const connection = await instance.connect();
const result = {};
for (const file of files) {
  for (const part of fs.readFileSync(file, 'utf8').split(/^-- @/m).slice(1)) {
    const end = part.indexOf('\n');
    const name = part.slice(0, end).trim();
    const sql = part.slice(end + 1).replaceAll('$DIR', dir).replaceAll('$OUT', out).replaceAll('$D', day);
    const cpu = process.cpuUsage();
    const start = process.hrtime.bigint();
    await connection.runAndReadAll(sql);
    result[name] = +(Number(process.hrtime.bigint() - start) / 1e9).toFixed(3);
    const used = process.cpuUsage(cpu);
    result[name + '_cpu'] = +((used.user + used.system) / 1e6).toFixed(3);
  }
}
result.maxrss_mb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify(result));
