//! The addresses of AWS's services.

use aws_config::SdkConfig;

/// A service that is called without its SDK.
#[derive(Debug)]
pub(crate) struct Service {
    /// The name used in signatures.
    pub(crate) name: &'static str,
    /// The host within a region's domain. `{fips}` is the place of `-fips`.
    pub(crate) host: &'static str,
    /// The environment variable that overrides the endpoint of this service only, for a server that stands in for AWS.
    pub(crate) endpoint_variable: &'static str,
}

impl Service {
    /// The URL of the service in a region: `endpoint`, else the one in `config`, else that of AWS.
    pub(crate) fn url(&self, config: &SdkConfig, endpoint: Option<String>, region: &str) -> String {
        let endpoint = endpoint.filter(|url| !url.is_empty());
        endpoint
            .or(config.endpoint_url().map(str::to_owned))
            .unwrap_or_else(|| {
                let is_fips = config.use_fips() == Some(true);
                let host = self
                    .host
                    .replace("{fips}", if is_fips { "-fips" } else { "" });
                let domain = match region.starts_with("cn-") {
                    true => "amazonaws.com.cn",
                    false => "amazonaws.com",
                };
                format!("https://{host}.{region}.{domain}/")
            })
    }

    /// The value of the variable that overrides the endpoint.
    pub(crate) fn endpoint(&self) -> Option<String> {
        std::env::var(self.endpoint_variable).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_decides_the_host_unless_an_endpoint_is_given() {
        let service = Service {
            name: "sagemaker",
            host: "runtime{fips}.sagemaker",
            endpoint_variable: "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
        };
        let plain = SdkConfig::builder().build();
        let fips = SdkConfig::builder().use_fips(true).build();
        let other = SdkConfig::builder()
            .endpoint_url("http://localhost:4566")
            .build();
        let given = || Some("http://localhost:1".to_owned());
        for (config, endpoint, region, expected) in [
            (
                &plain,
                None,
                "eu-central-1",
                "https://runtime.sagemaker.eu-central-1.amazonaws.com/",
            ),
            (
                &plain,
                Some(String::new()),
                "cn-north-1",
                "https://runtime.sagemaker.cn-north-1.amazonaws.com.cn/",
            ),
            (
                &fips,
                None,
                "us-east-1",
                "https://runtime-fips.sagemaker.us-east-1.amazonaws.com/",
            ),
            (&other, None, "us-east-1", "http://localhost:4566"),
            (&other, given(), "us-east-1", "http://localhost:1"),
        ] {
            assert_eq!(service.url(config, endpoint, region), expected);
        }
    }
}
