#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside keyring.sh, on $DBUS_SESSION_BUS_ADDRESS:
keyring-service.py owned        is there a Secret Service? (exit status)
keyring-service.py unlocked     and is its default keyring open?
keyring-service.py mute SOCKET  a bus that takes connections, never answers
keyring-service.py silent       a Secret Service that never answers
keyring-service.py prompting FILE
    one that wants a prompt for all that changes it or tells a secret; each
    prompt that is started is a line in FILE
The last three run until they are killed; the last two print a line once
they are there."""
import signal
import socket
import sys

from jeepney import (DBusAddress, MessageType, HeaderFields, Properties,
                     new_error, new_method_call, new_method_return)
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

NAME = 'org.freedesktop.secrets'
TOP = '/org/freedesktop/secrets'
ITEM = TOP + '/collection/c/1'
PROMPT = TOP + '/prompt/1'
LOCKED = 'org.freedesktop.Secret.Error.IsLocked'


def mute(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    taken = []
    while True:
        taken.append(listener.accept())


def owned(bus):
    reply = bus.send_and_get_reply(message_bus.NameHasOwner(NAME), timeout=2)
    return bool(reply.body[0])


def unlocked(bus):
    at = DBusAddress(TOP, NAME, 'org.freedesktop.Secret.Service')
    reply = bus.send_and_get_reply(
        new_method_call(at, 'ReadAlias', 's', ('default',)), timeout=2)
    if reply.body[0] == '/':
        return False
    at = DBusAddress(reply.body[0], NAME, 'org.freedesktop.Secret.Collection')
    reply = bus.send_and_get_reply(Properties(at).get('Locked'), timeout=2)
    return not reply.body[0][1]


def properties(path):
    """What is at a path; GetAll wants (signature, value) of each."""
    what = {'Label': ('s', 'fake'), 'Locked': ('b', False),
            'Created': ('t', 1), 'Modified': ('t', 1)}
    if path == TOP:
        return {'Collections': ('ao', [TOP + '/collection/c'])}
    if path == ITEM:
        what['Attributes'] = ('a{ss}', {'service': 'S', 'username': 'U'})
    else:
        what['Items'] = ('ao', [ITEM])
    return what


def answer(msg, log):
    """The reply to one call: a signature and a body, or an error."""
    method = msg.header.fields[HeaderFields.member]
    path = msg.header.fields[HeaderFields.path]
    if method == 'GetAll':
        return 'a{sv}', (properties(path),)
    if method == 'OpenSession':
        if msg.body[0] != 'plain':
            return 'org.freedesktop.DBus.Error.NotSupported', None
        return 'vo', (('s', ''), TOP + '/session/1')
    if method == 'ReadAlias':
        return 'o', (TOP + '/collection/c',)
    if method == 'SearchItems':
        found = [ITEM] if msg.body[0].get('service') == 'S' else []
        return 'aoao', (found, [])
    if method == 'Delete':
        return 'o', (PROMPT,)
    if method in ('CreateItem', 'Unlock'):
        return 'oo', ('/', PROMPT)
    if method == 'Prompt':
        with open(log, 'a', encoding='utf-8') as f:
            f.write('prompt\n')
        return '', ()
    return LOCKED, None


def serve(bus, log):
    bus.send_and_get_reply(message_bus.RequestName(NAME))
    print('ready', flush=True)
    while True:
        msg = bus.receive()
        if msg.header.message_type != MessageType.method_call or not log:
            continue
        signature, body = answer(msg, log)
        if body is None:
            bus.send(new_error(msg, signature, 's', ('no',)))
        else:
            bus.send(new_method_return(msg, signature or None, body))


def main():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    verb = sys.argv[1]
    if verb == 'mute':
        mute(sys.argv[2])
    bus = open_dbus_connection('SESSION')
    if verb == 'owned':
        sys.exit(not owned(bus))
    if verb == 'unlocked':
        sys.exit(not unlocked(bus))
    serve(bus, sys.argv[2] if verb == 'prompting' else None)


main()
