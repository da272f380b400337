<%@ Page Language="C#" %>
<script runat="server">
    protected void Page_Load(object sender, EventArgs e)
    {
        Response.Redirect(Session["uid"] == null ? "~/Login.aspx" : "~/Exams.aspx");
    }
</script>
