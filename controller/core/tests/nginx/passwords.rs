//! Files of users, which nginx reads while it serves.

use crate::models::*;
use crate::protection::*;
use crate::world::*;
use gatewright_core::model::*;
use std::sync::Arc;

#[test]
fn hashes_that_only_nginx_knows_let_in() {
    let b = echo("b");
    each(|start| {
        let users = accounts(&[("anna", HashKind::Sha1, "{SHA}F2GPAaOiG5EcklvLUlodIavTBnM=")]);
        let draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[b]);
        let proxy = start(with_accounts(draft.host("h.test", vec![guarded(prefix("/", "b"), basic("r", &users))]), users));
        assert_eq!(proxy.get("h.test", "/", &[ANNA]).status, 200);
    });
}

#[test]
fn new_users_can_log_in_without_a_reload() {
    let b = echo("b");
    for (program, version) in programs() {
        let model = |users: Accounts| {
            let routes = vec![guarded(prefix("/", "b"), basic("r", &users))];
            with_accounts(Draft { globals: globals(), ..Draft::default() }.backend("b", &[b]).host("h.test", routes), users).model()
        };
        let anna = ("anna", HashKind::Plain, "{PLAIN}opensesame");
        let before = model(accounts(&[anna]));
        let proxy = Proxy::start(&before, &program, version);
        assert_eq!(proxy.get("h.test", "/", &[BEN]).status, 401);
        let after =
            Model { globals: Arc::clone(&before.globals), ..model(accounts(&[anna, ("ben", HashKind::Plain, "{PLAIN}opensesame")])) };
        let files = files_of(&after, version);
        assert_eq!(files.token(), files_of(&before, version).token());
        proxy.staged.write(&files);
        assert_eq!(proxy.get("h.test", "/", &[BEN]).status, 200);
    }
}
