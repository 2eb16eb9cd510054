//! What the providers at AWS share: where their service is, and how calls are authorized.

use reqwest::Url;

use crate::aws::sdk::sdk_config;
use crate::aws::service::Service;
use crate::aws::signer::Signer;
use crate::config::{ConfigError, Variable};
use crate::http::Http;
use crate::provider::ConnectError;
use crate::wire::endpoint::parse_endpoint;

/// The variable that names the region, in error messages. Lambda sets it.
pub(crate) const AWS_REGION: Variable = Variable::new("AWS_REGION", "");

/// How error messages call the credentials that sign requests.
pub(crate) const CREDENTIALS: &str =
    "the AWS credentials (in Lambda, those of the function's role)";

/// Where calls go, and who signs them.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) url: Url,
    pub(crate) signer: Signer,
}

/// Finds the service in `region`, or in the region of the AWS configuration.
pub(crate) async fn access(
    service: &Service,
    region: Option<&str>,
    http: &Http,
) -> Result<Access, ConnectError> {
    let config = sdk_config(http).await?;
    let region = region.or(config.region().map(AsRef::as_ref));
    let region = region.ok_or_else(|| {
        ConfigError::missing(AWS_REGION, "set it to the region that serves the model")
    })?;
    let url = service.url(&config, service.endpoint(), region);
    let overridden = Variable::new(service.endpoint_variable, "");
    Ok(Access {
        url: parse_endpoint(overridden, &url)?,
        signer: Signer::new(config.credentials_provider(), service.name, region),
    })
}
