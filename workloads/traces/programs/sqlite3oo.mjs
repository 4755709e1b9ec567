/*
 * sqlite3oo.mjs - the same work as sqljs.js through the oo1 API: 10,000 rows through a prepared
 * insert, an index, 200 selects of ranges, a host function over all rows.
 */
import sqlite3InitModule from '@sqlite.org/sqlite-wasm';

const sqlite3 = await sqlite3InitModule();
const db = new sqlite3.oo1.DB(':memory:');
db.createFunction('area', (_, r, scale) => r * r * scale);
db.exec('create table shape (id integer primary key, name text, r real, weight int)');
db.transaction(() => {
	const insert = db.prepare('insert into shape (name, r, weight) values (?, ?, ?)');
	for (let i = 0; i < 10000; i++)
		insert.bind(['shape ' + (i * 7919) % 10007, i / 23, i % 97]).stepReset();
	insert.finalize();
});
db.exec('create index by_name on shape (name)');

const select = db.prepare('select id, name, r, weight from shape where name >= ? order by name limit 30');
let sum = 0;
for (let i = 0; i < 200; i++) {
	select.bind(['shape ' + i * 37]);
	while (select.step())
		sum += select.get({}).weight;
	select.reset();
}
select.finalize();
console.log(sum, db.selectArray('select sum(area(r, weight)), count(*) from shape'));
db.close();
