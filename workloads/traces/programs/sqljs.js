/*
 * sqljs.js - a table of 10,000 rows through a prepared insert in one transaction, an index, 200
 * selects of ranges, a host function over all rows, and the database exported as a file.
 */
'use strict';

require('sql.js')().then((SQL) => {
	const db = new SQL.Database();
	db.create_function('area', (r, scale) => r * r * scale);
	db.run('create table shape (id integer primary key, name text, r real, weight int)');
	db.run('begin');
	const insert = db.prepare('insert into shape (name, r, weight) values (?, ?, ?)');
	for (let i = 0; i < 10000; i++)
		insert.run(['shape ' + (i * 7919) % 10007, i / 23, i % 97]);
	insert.free();
	db.run('commit');
	db.run('create index by_name on shape (name)');

	const select = db.prepare('select id, name, r, weight from shape where name >= ? order by name limit 30');
	let sum = 0;
	for (let i = 0; i < 200; i++) {
		select.bind(['shape ' + i * 37]);
		while (select.step())
			sum += select.get()[3];
	}
	select.free();
	console.log(sum, JSON.stringify(db.exec('select sum(area(r, weight)), count(*) from shape')));
	console.log(db.export().length);
	db.close();
});
