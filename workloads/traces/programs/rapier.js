/*
 * rapier.js - Rust through wasm-bindgen: 200 boxes fall onto a floor, 300 steps; every 10th the
 * program reads all positions, and casts a ray.
 */
'use strict';

const RAPIER = require('@dimforge/rapier3d-compat');

RAPIER.init().then(() => {
	const world = new RAPIER.World({ x: 0, y: -9.81, z: 0 });
	world.createCollider(RAPIER.ColliderDesc.cuboid(50, 0.1, 50));
	const boxes = Array.from({ length: 200 }, (_, i) => {
		const body = world.createRigidBody(RAPIER.RigidBodyDesc.dynamic()
			.setTranslation((i % 10) * 0.9, 1 + Math.floor(i / 10) * 1.1, (i % 3) * 0.7));
		world.createCollider(RAPIER.ColliderDesc.cuboid(0.5, 0.5, 0.5).setRestitution(0.3), body);
		return body;
	});
	let height = 0, hits = 0;
	for (let step = 0; step < 300; step++) {
		world.step();
		if (step % 10)
			continue;
		for (const body of boxes)
			height += body.translation().y + body.linvel().y;
		const ray = new RAPIER.Ray({ x: step / 30, y: 30, z: 0 }, { x: 0, y: -1, z: 0 });
		hits += world.castRay(ray, 100, true) !== null;
	}
	console.log(height.toFixed(3), hits);
	world.free();
});
