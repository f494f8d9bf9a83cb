// SPDX-License-Identifier: GPL-3.0-or-later
//
// kuma-real.js URL NAME TOKEN INTERVAL: makes the first user where there is
// none, and a push monitor. Run it where socket.io-client is to be found.
const { io } = require("socket.io-client");

const [url, name, token, interval] = process.argv.slice(2);
const user = "admin", password = "Rig-pass-1234";
const socket = io(url, { transports: ["websocket"] });

function end(status, why) {
	if (why)
		console.error(why);
	socket.close();
	process.exit(status);
}

// The server sets its handlers up late: what is sent too early is lost.
function call(event, ...args) {
	return new Promise((done) => {
		let answered = false;

		function send() {
			if (answered)
				return;
			socket.emit(event, ...args, (answer) => {
				answered = true;
				done(answer);
			});
			if (event === "needSetup")
				setTimeout(send, 300);
		}
		send();
	});
}

async function setUp() {
	if (await call("needSetup"))
		await call("setup", user, password);
	const login = await call("login",
		{ username: user, password, token: "" });
	if (!login.ok)
		end(1, `login: ${login.msg}`);
	const added = await call("add", {
		type: "push", name, pushToken: token, interval: Number(interval),
		retryInterval: Number(interval), resendInterval: 0,
		maxretries: 0, timeout: 48, upsideDown: false, active: true,
		notificationIDList: {}, accepted_statuscodes: ["200-299"],
		method: "GET", kafkaProducerBrokers: [],
		kafkaProducerSaslOptions: { mechanism: "None" },
	});
	end(added.ok ? 0 : 1, added.ok ? "" : `add: ${added.msg}`);
}

socket.on("connect", setUp);
socket.on("connect_error", (e) => end(1, e.message));
setTimeout(() => end(2, "no answer within 30 s"), 30000);
