//! Images that Lambda does not run.

use super::cloud::Cloud;
use super::shop::{Shop, image, repository_uri};

#[test]
fn an_image_that_lambda_does_not_run_is_refused_with_the_way_out() {
    let cloud = Cloud::start();
    let shop = Shop::new(cloud.server.url());
    shop.prints(&format!("publish {} site site --tag one", image("one")));
    let (manifest, digest) = shop.registry.manifest("site", "one");

    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
            {{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{size},"platform":{{"os":"linux","architecture":"amd64"}}}},
            {{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{size},"platform":{{"os":"unknown","architecture":"unknown"}}}}]}}"#,
        size = manifest.len()
    );
    let kind = "application/vnd.oci.image.index.v1+json";
    shop.registry.put_manifest("site", "index", kind, &index);
    let way_out = format!("{}@{digest}", repository_uri());
    shop.refuses(
        "publish-ref site:index site --alias live",
        &[
            "is an index (linux/amd64, an attestation)",
            &way_out,
            "--provenance=false",
        ],
    );
    shop.refuses("publish-ref site:gone site", &["no image `gone`"]);
    shop.refuses(
        "publish-ref site:one shop",
        &[
            "Lambda GetFunction",
            "Function not found",
            "check the name, the region and the account",
        ],
    );

    cloud.function().architecture = "arm64";
    let words = [
        "for linux/amd64",
        "the function is arm64",
        "--platform linux/arm64",
    ];
    shop.refuses(
        &format!("publish {} site site --tag two", image("two")),
        &words,
    );
    assert!(!shop.registry.tags("site").contains(&"two".to_owned()));
    shop.refuses("publish-ref site:one site", &words);
    assert_eq!(cloud.asked("PUT", "/code"), 1);
}
