<%@ WebHandler Language="C#" Class="Sheet" %>
using System.Web;

/// <summary>A page to keep: HTML that the browser saves instead of showing.</summary>
public class Sheet : IHttpHandler
{
    public bool IsReusable { get { return true; } }

    public void ProcessRequest(HttpContext context)
    {
        context.Response.ContentType = "text/html";
        context.Response.AddHeader("Content-Disposition", "attachment; filename=\"formulas.html\"");
        context.Response.Write("<html><head><title>Formulas</title></head><body>E[X] = &Sigma; x p(x)</body></html>");
    }
}
