//! The steps in their order: what happens to one file set, and what is done when a step does not succeed.

use super::Proxy;
use super::error::ApplyError;
use super::outcome::{Live, Outcome, Refused, Took};
use super::owner::Transition;
use super::publish::{Published, Validated, point, prune};
use super::stage::{Base, Flushed, StageError, Staged, Unflushed, may_give_to, seed, stage};
use super::state_dir::{RevisionName, make_dir, remove_tree};
use super::validate::NotValid;
use super::verify::NotTaken;
use gatewright_core::render::{File, FileSet};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, spawn_blocking};

/// A proxy that ends this often while a revision is waited for will not come up with it.
const HOPELESS_DEATHS: u32 = 3;

/// How far a change without a reload got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amended {
    /// To the candidate.
    Yes,
    /// Nowhere: there is none.
    No,
    /// To somewhere in between.
    Halfway,
}

/// Brings a candidate to the disk.
type Flushing = JoinHandle<Result<Flushed, StageError>>;

/// A candidate that is written, and perhaps what the proxy runs with.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) staged: Staged,
    pub(super) flushing: Flushing,
    pub(super) amended: Amended,
    /// How long it took to write it.
    pub(super) stage: Duration,
    /// Why it was made, for people.
    pub(super) cause: String,
}

impl Proxy {
    /// Writes the candidate, and brings the proxy to it if that goes without a reload. What is live already is confirmed, and
    /// that is the outcome.
    pub(super) async fn begin(&mut self, files: &Arc<FileSet>, cause: &str) -> Result<Begun, Outcome> {
        let digest = format!("{:032x}", files.digest());
        if let Some(live) = self.live.clone().filter(|live| live.digest == digest) {
            return Err(self.confirm(live, files).await.unwrap_or_else(|error| Outcome::Failed { error }));
        }
        self.begin_from(files, cause, None).await.map_err(|error| Outcome::Failed { error })
    }

    /// Asks the proxy whether it would take the files; nothing of them stays.
    ///
    /// # Errors
    /// When nobody can say.
    pub(crate) async fn check_only(&mut self, files: &Arc<FileSet>) -> Result<Option<Refused>, ApplyError> {
        let (staged, _) = self.stage(files).await?;
        match staged.validate(&*self.owner, self.last_check).await {
            Ok((validated, took)) => {
                self.last_check = took;
                validated.discard();
                Ok(None)
            }
            Err(NotValid::Refused(refused)) => Ok(Some(refused)),
            Err(NotValid::Unchecked(error)) => Err(error.into()),
        }
    }

    /// The files on disk are the ones wanted; has the proxy loaded them?
    async fn confirm(&mut self, mut live: Live, files: &Arc<FileSet>) -> Result<Outcome, ApplyError> {
        if live.checked_at.is_some() {
            return Ok(Outcome::Unchanged(live));
        }
        live.token = files.token();
        let begun = Instant::now();
        let answer = self.probe.answer().await;
        // No answer at all means that it is still loading, or that its owner is starting it.
        let reload = answer.as_ref().is_some_and(|answer| *answer != live.token);
        if reload {
            self.owner.reload().await?;
        }
        let load = self.verify(&live.token, begun).await?;
        if reload {
            self.throttle.loaded(Instant::now(), load);
        }
        live.checked_at = Some(now());
        live.took = Took::new(None, None, reload.then_some(load));
        self.live = Some(live.clone());
        self.history.note(&self.state, live.clone());
        if let Some(name) = live.name() {
            let (folder, files) = (self.state.revision(name), Arc::clone(files));
            let base = spawn_blocking(move || Base::tidied(&folder, &files)).await.expect("tidying does not panic");
            self.base = Some(Arc::new(base));
        }
        self.prepare_next().await;
        Ok(if reload { Outcome::Live(live) } else { Outcome::Unchanged(live) })
    }

    /// The same of files that are not live. `from`: what the proxy was brought to last; else it is what is live.
    pub(super) async fn begin_from(
        &mut self,
        files: &Arc<FileSet>,
        cause: &str,
        from: Option<(RevisionName, Arc<FileSet>)>,
    ) -> Result<Begun, ApplyError> {
        let begun = Instant::now();
        let (staged, unflushed) = self.stage(files).await?;
        let stage = begun.elapsed();
        self.next_number += 1;
        let flushing = spawn_blocking(move || unflushed.flush());
        let telling = Instant::now();
        let amended = self.amend(&staged, from).await;
        if amended == Amended::Yes {
            tracing::debug!(stage_us = stage.as_micros(), took_us = telling.elapsed().as_micros(), "changed the running proxy");
        }
        Ok(Begun { staged, flushing, amended, stage, cause: cause.to_owned() })
    }

    /// Publishes what the proxy's check has taken, and has it loaded unless it is served; whether it was loaded. `beyond`: the
    /// token of a newer candidate that the proxy was brought on to meanwhile.
    pub(super) async fn conclude(
        &mut self,
        (validated, flushing): (Validated, Flushing),
        (amended, beyond): (Amended, Option<String>),
        stage: Duration,
        cause: &str,
    ) -> Result<(Live, bool), ApplyError> {
        let flushed = match flushing.await.expect("flushing does not panic") {
            Ok(flushed) => flushed,
            Err(error) => {
                self.take_back(amended).await;
                validated.discard();
                return Err(error.into());
            }
        };
        let token = validated.0.files.token();
        let served = amended == Amended::Yes || self.live.as_ref().is_some_and(|live| live.checked_at.is_some() && live.token == token);
        if !served {
            self.wait_for_turn().await;
        }
        let (published, before) = self.publish((validated, flushed), amended).await?;
        // One that died since has come back with the files before.
        let served = served && self.probe.answer().await == Some(beyond.unwrap_or(token));
        let load = if served { Ok(None) } else { self.load(&published).await.map(Some) };
        match load {
            Ok(load) => {
                let live = self.settle(published, cause, Took::new(Some(stage), Some(self.last_check), load)).await;
                Ok((live, load.is_some()))
            }
            Err(error) => {
                self.roll_back(published, before, cause).await;
                Err(error)
            }
        }
    }

    /// Publishes, and answers what was published before; where that fails, the proxy goes back to it.
    async fn publish(
        &mut self,
        (validated, flushed): (Validated, Flushed),
        amended: Amended,
    ) -> Result<(Published, Arc<Base>), ApplyError> {
        let before = self.base.take().unwrap_or_default();
        match validated.publish(flushed, &self.state, &before) {
            Ok(published) => Ok((published, before)),
            Err(error) => {
                self.base = Some(before);
                self.take_back(amended).await;
                Err(error.into())
            }
        }
    }

    /// Changes the running proxy to the candidate without a reload, if that can be done from what it runs with; endpoints do
    /// not wait for a check of all files. An unexpected answer does no harm: the reload that follows leads to the same end.
    async fn amend(&self, staged: &Staged, from: Option<(RevisionName, Arc<FileSet>)>) -> Amended {
        let token = staged.files.token();
        let live = || {
            let live = self.live.as_ref().filter(|live| live.checked_at.is_some() && live.token != token)?;
            Some((live.name()?, Arc::clone(&self.base.as_ref()?.files)))
        };
        let Some((from, files)) = from.or_else(live).filter(|_| self.dialect.runtime.is_some()) else { return Amended::No };
        let bytes = |file: Option<&File>| file.map(|file| file.bytes.clone());
        let differing = staged.files.changes(&files).filter(|one| bytes(one.before) != bytes(one.after)).map(|one| one.path.to_owned());
        match self.owner.amend(Transition { from, to: staged.name, differing: differing.collect() }).await {
            Ok(true) if self.probe.answer().await.as_deref() == Some(&*token) => Amended::Yes,
            Ok(true) => {
                tracing::warn!("the proxy does not answer what it was told on its runtime socket; it will reload");
                Amended::Halfway
            }
            Ok(false) => Amended::No,
            Err(error) => {
                tracing::warn!(error = crate::causes::chain(&error), "the proxy could not be changed while it runs; it will reload");
                Amended::Halfway
            }
        }
    }

    /// What the proxy was brought to is not going to be published, so it goes back to what is.
    pub(super) async fn take_back(&mut self, amended: Amended) {
        if amended != Amended::No {
            let _ = self.owner.reload().await;
            if let Some(live) = &mut self.live {
                live.checked_at = None;
            }
        }
    }

    /// Writes the candidate, beginning with what the last revision left.
    async fn stage(&mut self, files: &Arc<FileSet>) -> Result<(Staged, Unflushed), ApplyError> {
        if !self.lock.is_at(&self.state.lock_file()) {
            return Err(ApplyError::Lost(self.state.root().to_owned()));
        }
        let group = self.owner.status().await?.worker_group.filter(|group| may_give_to(*group));
        self.group = group;
        let prepared = match self.seed.take() {
            Some(task) => task.await.ok().flatten(),
            None => None,
        };
        let base = match self.base.take() {
            Some(base) => base,
            None => Arc::new(self.read_base().await),
        };
        let (state, files, number) = (self.state.clone(), Arc::clone(files), self.next_number);
        let (base, staged) = spawn_blocking(move || {
            let ready = prepared.map_or_else(|| seed(&state, &base).map(|seed| (seed, Arc::clone(&base))), Ok);
            let staged = ready.and_then(|(seed, of)| stage(&state, &seed, &of, Arc::clone(&files), number, group));
            match staged {
                // Somebody has removed what the last revision left.
                Err(error) if error.source.kind() == ErrorKind::NotFound => {
                    tracing::warn!(path = %error.path.display(), "files of the last revision are gone; writing all files anew");
                    let anew = || {
                        make_dir(&state.revisions()).map_err(|_| error)?;
                        let nothing = Base::default();
                        stage(&state, &seed(&state, &nothing)?, &nothing, files, number, group)
                    };
                    let staged = anew();
                    (Arc::new(base.unwritten()), staged)
                }
                staged => (base, staged),
            }
        })
        .await
        .expect("staging does not panic");
        self.base = Some(base);
        Ok(staged?)
    }

    /// What an earlier run published. If it cannot be read, everything is written anew.
    async fn read_base(&self) -> Base {
        let Some(folder) = self.state.published().map(|name| self.state.revision(name)) else { return Base::default() };
        let read = spawn_blocking(move || Base::read(&folder)).await.expect("reading does not panic");
        read.unwrap_or_else(|error| {
            tracing::warn!(%error, "could not read the last revision; writing all files anew");
            Base::default()
        })
    }

    async fn load(&mut self, published: &Published) -> Result<Duration, ApplyError> {
        let begun = Instant::now();
        self.owner.reload().await?;
        let load = self.verify(&published.files.token(), begun).await?;
        self.throttle.loaded(Instant::now(), load);
        Ok(load)
    }

    /// How long the load took that came of the last telling: a signal that was forgotten is no load, and slows down no later
    /// reload.
    async fn verify(&self, token: &str, since: Instant) -> Result<Duration, NotTaken> {
        let deaths = self.owner.status().await.map_or(0, |status| status.deaths);
        // HAProxy before 2.7 may forget both of two signals that come close together. Later versions answer.
        // One that cannot be taken stops the old generation for a moment each time, so after two of them it is told less and
        // less often.
        let again = self.dialect.reload_socket.map(|_| self.throttle.again(self.last_check));
        let (mut told, mut times) = (since, 0_u32);
        let hopeless = async || {
            if again.is_some_and(|again| told.elapsed() >= again * 2_u32.pow(times.saturating_sub(1).min(8))) {
                (told, times) = (Instant::now(), times + 1);
                let _ = self.owner.reload().await;
            }
            let ended = self.owner.status().await.ok()?.deaths.saturating_sub(deaths);
            (ended >= HOPELESS_DEATHS).then(|| format!("its process ended {ended} times"))
        };
        let seen = self.probe.verify(token, since, self.throttle.deadline(self.last_check, self.patience), hopeless).await;
        seen.map(|took| took.saturating_sub(told.duration_since(since)))
    }

    async fn settle(&mut self, mut published: Published, cause: &str, took: Took) -> Live {
        published.settle();
        let mut live = self.described(&published, cause);
        live.checked_at = Some(now());
        live.reloaded = took.load_ms.is_some();
        live.took = took;
        self.base = Some(Arc::new(Base::of(&published.folder, &published.files, self.group)));
        self.live = Some(live.clone());
        self.history.note(&self.state, live.clone());
        self.prepare_next().await;
        live
    }

    /// The proxy did not take it, although its check was fine: so the disk goes back to what the proxy last took.
    ///
    /// A load may still be on its way; the signal after the switch makes it load the old files again after that. Until
    /// that is seen, nothing counts as checked. Without an older revision this one stays, as better than nothing.
    async fn roll_back(&mut self, mut published: Published, before: Arc<Base>, cause: &str) {
        let older = self.live.as_ref().and_then(Live::name);
        match older.map(|older| point(&self.state, older)) {
            Some(Ok(())) => {
                let _ = self.owner.reload().await;
                remove_tree(&published.folder);
                self.base = Some(before);
            }
            outcome => {
                if let Some(Err(error)) = outcome {
                    tracing::error!(%error, "could not switch back to the last good revision");
                }
                published.settle();
                self.live = Some(self.described(&published, cause));
                self.base = Some(Arc::new(Base::of(&published.folder, &published.files, self.group)));
            }
        }
        if let Some(live) = &mut self.live {
            live.checked_at = None;
        }
    }

    fn described(&self, published: &Published, cause: &str) -> Live {
        Live {
            revision: published.name.number,
            digest: format!("{:032x}", published.name.digest),
            token: published.files.token(),
            cause: cause.to_owned(),
            published_at: now(),
            checked_at: None,
            took: Took::default(),
            reloaded: true,
            main: self.state.current().join(self.dialect.main_file),
        }
    }

    /// Makes the next seed in the background. It may be of an older revision when it is used, which costs a candidate those
    /// files that have changed since.
    pub(super) fn prepare_seed(&mut self) {
        let (state, base) = (self.state.clone(), self.base.clone());
        // Without one, the next candidate makes its own and reports what is wrong.
        self.seed = Some(spawn_blocking(move || base.and_then(|base| seed(&state, &base).ok().zip(Some(base)))));
    }

    /// Makes the next seed if there is none, and tidies up, in the background.
    async fn prepare_next(&mut self) {
        if self.seed.is_none() {
            self.prepare_seed();
        }
        if let Some(running) = self.pruning.take() {
            let _ = running.await;
        }
        let (state, kept) = (self.state.clone(), self.revisions_kept);
        self.pruning = Some(spawn_blocking(move || prune(&state, kept)));
    }
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}
