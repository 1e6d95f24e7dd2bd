//! What the loop does once it is known what became of a candidate: it is live, the proxy refused it, or it failed.

use super::flights::Landed;
use super::live::{log_published, view};
use super::maker::{Made, Maker};
use super::{Controller, blame};
use crate::causes::chain;
use crate::proxy::{Outcome, Refused};
use crate::report::Subject;
use gatewright_core::names::{Kind, ObjectRef};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

impl Controller {
    /// Takes note of what became of a candidate; `None`: the proxy's task has ended.
    pub(super) async fn landed(&mut self, landed: Option<Landed>) {
        let Some(Landed { made, outcome, delays }) = landed else {
            return self.gave_up("the task that owns the proxy has ended");
        };
        self.pace.gather(delays, Instant::now());
        match outcome {
            Outcome::Live(live) => {
                self.ends.metrics.brought(live.took);
                self.live(made, &live);
            }
            Outcome::Unchanged(live) => self.live(made, &live),
            Outcome::Overtaken => {}
            Outcome::Refused(refused) => self.refused(&made, &refused).await,
            Outcome::Failed { error } => {
                let text = chain(&error);
                let held = self.held_ports.after(&made.model);
                if self.leave_out(held) {
                    tracing::warn!(
                        reason = text,
                        "could not bring the newest state live: another process holds ports of TCP or UDP services"
                    );
                    self.mark("ports that others hold are left out".to_owned());
                } else {
                    self.gave_up(&text);
                }
            }
        }
    }

    fn live(&mut self, made: Made, live: &crate::proxy::Live) {
        self.pace.succeeded();
        let is_new = self.ends.news.borrow().revision != live.revision;
        if is_new && live.reloaded {
            self.noise.loaded(self.maker.touched_before(&made), Instant::now());
        }
        self.maker.accept(&made);
        self.say_urgency();
        self.held_ports.accept(&made.model);
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
        self.ends.metrics.live(live.revision, &live.digest, now_s);
        if is_new {
            log_published(&made, self.maker.quarantine.len(), live);
        }
        self.ends.metrics.serves(self.leaves.objects(&made.model, &made.served, &made.diagnostics));
        self.findings = made.diagnostics;
        let config_maps = self.config_maps();
        self.ends.news.send_modify(|news| {
            news.revision = live.revision;
            news.loads += u64::from(is_new && live.reloaded);
            news.served = made.served;
            news.config_maps = config_maps;
            news.trouble = "".into();
        });
        self.publish_findings();
        // Last, so that who sees the revision sees its findings too.
        self.ends.board.live(view(live), true);
    }

    /// The ConfigMaps that flags name and that are there.
    fn config_maps(&self) -> Vec<(Subject, u128)> {
        let settings = &self.maker.settings;
        let names = [&settings.config_map, &settings.tcp_services_config_map, &settings.udp_services_config_map];
        let there = names.into_iter().flatten().filter_map(|name| self.maker.snapshot.config_map(name));
        let subject = |map: &gatewright_core::state::ConfigMap| {
            Subject::of(&ObjectRef::new(Kind::ConfigMap, map.meta.name.clone()), &map.meta.uid).map(|subject| (subject, map.digest))
        };
        there.filter_map(|map| subject(map)).collect()
    }

    async fn refused(&mut self, made: &Made, refused: &Refused) {
        self.ends.metrics.not_live();
        tracing::warn!(revision = refused.revision, reason = refused.reason(), "the proxy refused a revision");
        let at = refused.file.as_deref().zip(refused.line);
        let line = at.and_then(|(file, line)| Maker::line_at(&made.files, file, line)).unwrap_or_default();
        if self.maker.templates.take_back(&line, &refused.message) {
            self.mark("the templates before".to_owned());
        } else if blame::templates_are_refused(&mut self.maker, made, refused, &self.ends.proxy.asks).await {
            self.maker.templates.give_up(&line, &refused.message);
            self.mark("no templates".to_owned());
        } else if blame::blame(&mut self.maker, made, refused, &self.ends.proxy.asks).await {
            self.mark("what the proxy refuses was set aside".to_owned());
        } else {
            self.findings.clone_from(&made.diagnostics);
            self.gave_up(&format!("the proxy refused revision {}: {}", refused.revision, refused.reason()));
        }
    }

    /// What is live goes on; another try follows, or the next change makes a better candidate.
    pub(super) fn gave_up(&mut self, why: &str) {
        self.publish_findings();
        let retry_s = self.pace.failed().as_secs();
        let board = &self.ends.board;
        if board.serves() {
            tracing::error!(reason = why, retry_s, "could not bring the newest state live; the last good revision keeps serving");
        } else if board.has_revision() {
            // Nobody has seen yet whether its proxy runs.
            tracing::error!(reason = why, retry_s, "could not bring the newest state live; the last good revision stays");
        } else {
            tracing::error!(reason = why, retry_s, "could not bring the newest state live; nothing is served yet");
        }
        self.ends.metrics.not_live();
        self.ends.board.trouble(why.to_owned());
        self.ends.news.send_modify(|news| news.trouble = why.into());
    }
}
