//! Follows switches of the live collection that other processes made.

use std::sync::Arc;

use clippy_core::collections::{Collections, Models, NOTICE_WITHIN};
use clippy_core::live::{Live, LivePair};
use clippy_core::{Error, ErrorCode, Result};

/// Polls which collection is live, and replaces the pair when it changed. Until the new model is
/// loaded, searches use the old pair. Never returns.
pub async fn follow(
    collections: Arc<dyn Collections>,
    models: Arc<dyn Models>,
    pair: Arc<LivePair>,
) {
    loop {
        tokio::time::sleep(NOTICE_WITHIN).await;
        if let Err(error) = follow_once(collections.as_ref(), models.as_ref(), &pair).await {
            tracing::warn!(
                code = %error.code, %error,
                "this process could not switch to the live collection; it still uses the old one"
            );
        }
    }
}

async fn follow_once(
    collections: &dyn Collections,
    models: &dyn Models,
    pair: &LivePair,
) -> Result<()> {
    // Taken before the question: while it is answered, a job of this process may switch, and then
    // the answer is out of date.
    let known = pair.now();
    let live = collections.live().await?;
    if live.name == known.name {
        return Ok(());
    }
    let source = live.source.clone().unwrap_or_else(|| models.configured());
    let embedder = models.load(&source).await?;
    if !live.fingerprint.is_empty() && embedder.info().fingerprint != live.fingerprint {
        return Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "the collection {} was filled by a model whose weights differ from those of {} \
                 here",
                live.name,
                embedder.info().name
            ),
        ));
    }
    let gallery = collections.open(&live.name).await?;
    let (collection, model) = (live.name.clone(), embedder.info().name.clone());
    let followed = Live {
        name: live.name,
        embedder,
        gallery,
    };
    if pair.replace_unchanged(&known, followed) {
        tracing::info!(%collection, %model, "following a switch");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use clippy_core::collections::{
        ChangePosition, Changes, ModelSource, PhysicalCollection, Role, WritePause,
    };
    use clippy_core::embedding::{Embedder, ModelInfo};
    use clippy_core::gallery::Gallery;
    use clippy_testing::{FakeEmbedder, MemoryGallery};
    use parking_lot::Mutex;

    use super::*;

    /// Two collections, of which one is live. While it answers which, a job may switch.
    struct FakeCollections {
        live: Mutex<&'static str>,
        pair: Arc<LivePair>,
        switches_meanwhile: Option<&'static str>,
    }

    fn live(name: &str) -> Live {
        let embedder = Arc::new(FakeEmbedder::new(8));
        Live {
            name: name.to_owned(),
            gallery: Arc::new(MemoryGallery::new(embedder.info())),
            embedder,
        }
    }

    #[async_trait]
    impl Collections for FakeCollections {
        async fn list(&self) -> Result<Vec<PhysicalCollection>> {
            Ok(Vec::new())
        }

        async fn live(&self) -> Result<PhysicalCollection> {
            let answer = PhysicalCollection {
                name: self.live.lock().to_owned(),
                role: Role::Live,
                source: None,
                fingerprint: String::new(),
                owner: String::new(),
            };
            if let Some(name) = self.switches_meanwhile {
                *self.live.lock() = name;
                self.pair.replace(live(name));
            }
            Ok(answer)
        }

        async fn open(&self, _name: &str) -> Result<Arc<dyn Gallery>> {
            Ok(Arc::new(MemoryGallery::new(FakeEmbedder::new(8).info())))
        }

        async fn begin_beside(
            &self,
            _model: &ModelInfo,
            _source: &ModelSource,
            _owner: &str,
        ) -> Result<PhysicalCollection> {
            Err(Error::internal("not part of this test"))
        }

        async fn changes(
            &self,
            _name: &str,
            _after: Option<ChangePosition>,
            _limit: usize,
        ) -> Result<Changes> {
            Ok(Changes::default())
        }

        async fn mark_caught_up(&self, _name: &str, _position: ChangePosition) -> Result<()> {
            Ok(())
        }

        async fn pause_writes(&self) -> Result<Box<dyn WritePause>> {
            Err(Error::internal("not part of this test"))
        }

        async fn switch(
            &self,
            _name: &str,
            _owner: Option<&str>,
            _pause: &dyn WritePause,
        ) -> Result<()> {
            Ok(())
        }

        async fn drop_old(&self) -> Result<Vec<String>> {
            Ok(Vec::<String>::new())
        }
    }

    struct OneModel;

    #[async_trait]
    impl Models for OneModel {
        fn configured(&self) -> ModelSource {
            ModelSource::default()
        }

        async fn load(&self, _source: &ModelSource) -> Result<Arc<dyn Embedder>> {
            Ok(Arc::new(FakeEmbedder::new(8)))
        }
    }

    /// Follows once, and returns which collection this process uses then.
    async fn followed(stored: &'static str, switches_meanwhile: Option<&'static str>) -> String {
        let pair = LivePair::new(live("first"));
        let collections = FakeCollections {
            live: Mutex::new(stored),
            pair: Arc::clone(&pair),
            switches_meanwhile,
        };
        follow_once(&collections, &OneModel, &pair)
            .await
            .expect("followed");
        pair.now().name.clone()
    }

    #[tokio::test]
    async fn a_switch_of_another_process_is_followed() {
        assert_eq!(followed("second", None).await, "second");
    }

    #[tokio::test]
    async fn an_answer_that_a_switch_of_this_process_overtook_changes_nothing() {
        assert_eq!(followed("first", Some("second")).await, "second");
        assert_eq!(followed("second", Some("third")).await, "third");
    }
}
