/*
 * duckdb.js - a table of 20,000 rows is filled, grouped 60 times, joined with itself, and read by
 * JavaScript.
 */
'use strict';

const path = require('path');
const duckdb = require('@duckdb/duckdb-wasm/dist/duckdb-node-blocking.cjs');

async function main() {
	const dist = path.dirname(require.resolve('@duckdb/duckdb-wasm/dist/duckdb-node-blocking.cjs'));
	const bundle = (name) => ({ mainModule: path.join(dist, `duckdb-${name}.wasm`), mainWorker: null });
	const db = await duckdb.createDuckDB({ mvp: bundle('mvp'), eh: bundle('eh') }, new duckdb.VoidLogger(),
		duckdb.NODE_RUNTIME);

	await db.instantiate();
	const connection = db.connect();
	connection.query('create table t as select i, i % 97 as k, i * i % 1009 as v from range(20000) as r(i)');
	for (let i = 0; i < 60; i++)
		connection.query(`select k, count(*), sum(v) from t where v % 7 = ${i % 7} group by k order by 2, k limit 3`);
	const rows = connection.query('select a.k, count(*)::int as n, sum(a.v + b.v)::int as s from t a join t b' +
		' on a.i = b.v group by a.k order by s desc, a.k limit 5');
	console.log(rows.toArray().map(String).join('\n'));
	connection.close();
}

main();
