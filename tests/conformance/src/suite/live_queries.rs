//! Queries whose results are kept up to date.

use storehouse::PatchField::Set;
use storehouse_runtime::Store;

use super::changes::{Offer, OfferPatch, offer};
use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

pub(crate) async fn are_kept_up_to_date(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let cheap = Offer::PRICE.lt(5.0);
    let mut live = offers.query(cheap).order_by(Offer::PRICE.desc()).limit(2).live().await?;
    let skus = |rows: Option<Vec<Offer>>| -> Vec<String> {
        rows.into_iter().flatten().map(|offer| offer.sku).collect()
    };
    assert_eq!(skus(live.try_next().await?), Vec::<String>::new());
    let a = offers.put(offer("a", 1.0)).await?;
    assert_eq!(skus(live.try_next().await?), ["a"]);
    // Not of the result, and no part of it.
    offers.put(offer("dear", 9.0)).await?;
    offers.put(offer("b", 2.0)).await?;
    assert_eq!(skus(live.try_next().await?), ["b", "a"]);
    // Matches, but comes behind the limit: the result is the same, and is not given again.
    offers.put(offer("c", 0.5)).await?;
    offers.update(&a.id, OfferPatch { price: Set(7.0), ..Default::default() }).await?;
    assert_eq!(skus(live.try_next().await?), ["b", "c"]);
    offers.delete_all().await?;
    assert_eq!(skus(live.try_next().await?), Vec::<String>::new());
    offers.destroy();
    assert!(live.try_next().await?.is_none());
    Ok(())
}

pub(crate) async fn cannot_be_of_a_transaction(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let tx = store.begin().await?;
    is_refused("outside of the transaction", offers.in_tx(&tx).get_all().live().await);
    Ok(())
}
